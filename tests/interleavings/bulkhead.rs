//! Calls that wait for a slot: each slot goes to exactly one of them, in arrival order, and none is lost.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use breaker_runtime::{
    BreakerError, CircuitBreaker, ConfigBuilder, ErrorKind, Mode, Outcome, Settled, State,
};
use loom::thread;

use super::{
    RECOVERY, breaker, call, leak_permit, leaked, permit, race_on, ready_for_trial, strict,
    with_few_preemptions, with_preemptions,
};

/// The time that a waiting call has to take the slot that it is offered.
const OFFER: Duration = Duration::from_millis(10);

fn at_most(calls: u32) -> ConfigBuilder {
    strict().max_concurrent(calls).max_wait(Duration::MAX)
}

/// A task that counts how often it is woken.
#[derive(Default)]
struct Task(AtomicU32);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// An async call that ends as soon as it has a slot, with its task.
struct Waiting {
    call: Pin<Box<dyn Future<Output = Result<(), BreakerError>>>>,
    task: Arc<Task>,
}

impl Waiting {
    fn new(breaker: &CircuitBreaker) -> Self {
        Self { call: Box::pin(leaked(breaker).call_async(async { Ok(()) })), task: Arc::default() }
    }

    /// Returns a call that has begun to wait.
    fn begun(breaker: &CircuitBreaker) -> Self {
        let mut waiting = Self::new(breaker);
        assert!(waiting.poll().is_pending(), "no slot is free");
        waiting
    }

    fn poll(&mut self) -> Poll<Result<(), ErrorKind>> {
        let waker = Waker::from(Arc::clone(&self.task));
        let polled = self.call.as_mut().poll(&mut Context::from_waker(&waker));
        polled.map(|result| result.map_err(|error| error.kind()))
    }

    fn is_woken(&self) -> bool {
        self.task.0.load(Ordering::SeqCst) > 0
    }

    /// Checks that the call has been woken and has a slot.
    fn assert_admitted(mut self) {
        assert!(self.is_woken(), "the waiting call is woken");
        assert_eq!(self.poll(), Poll::Ready(Ok(())));
    }
}

fn assert_free(breaker: &CircuitBreaker, slots: u32) {
    assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
    assert!((0..slots).all(|_| leak_permit(breaker)));
    assert!(!leak_permit(breaker));
}

#[test]
fn a_slot_that_is_released_while_a_call_begins_to_wait_is_not_lost() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(at_most(1));
        let held = permit(&breaker);
        let (waiting, ()) = race_on(
            &breaker,
            |one| {
                let mut waiting = Waiting::new(one);
                waiting.poll().is_pending().then_some(waiting)
            },
            |_| _ = held.settle(Outcome::Success),
        );
        if let Some(waiting) = waiting {
            waiting.assert_admitted();
        }
        assert_free(&breaker, 1);
    });
}

#[test]
fn of_two_calls_that_start_together_the_second_gets_the_slot_of_the_first() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(at_most(1));
        let start = |breaker: &CircuitBreaker| {
            let mut waiting = Waiting::new(breaker);
            waiting.poll().is_pending().then_some(waiting)
        };
        let (one, other) = race_on(&breaker, start, start);
        assert!(one.is_none() || other.is_none(), "a slot is free for one of them");
        one.into_iter().chain(other).for_each(Waiting::assert_admitted);
        assert_free(&breaker, 1);
    });
}

#[test]
fn slots_that_are_released_while_another_call_leaves_the_queue_are_counted() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(at_most(2));
        let (one, other) = (permit(&breaker), permit(&breaker));
        let waiting = Waiting::begun(&breaker);
        race_on(
            &breaker,
            |_| drop(waiting),
            |_| {
                one.settle(Outcome::Success);
                other.settle(Outcome::Success);
            },
        );
        assert_free(&breaker, 2);
    });
}

#[test]
fn two_new_calls_never_overtake_a_waiting_one() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(at_most(1));
        let held = permit(&breaker);
        let waiting = Waiting::begun(&breaker);
        let (one, other) = race_on(&breaker, leak_permit, |other| {
            held.settle(Outcome::Success);
            leak_permit(other)
        });
        assert_eq!((one, other), (false, false));
        waiting.assert_admitted();
        assert_free(&breaker, 1);
    });
}

#[test]
fn slots_that_two_calls_release_go_to_two_waiting_calls() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(at_most(2));
        let (one, other) = (permit(&breaker), permit(&breaker));
        let calls = [Waiting::begun(&breaker), Waiting::begun(&breaker)];
        race_on(&breaker, |_| one.settle(Outcome::Success), |_| other.settle(Outcome::Success));
        calls.into_iter().for_each(Waiting::assert_admitted);
        assert_free(&breaker, 2);
    });
}

#[test]
fn a_call_that_is_cancelled_while_its_slot_is_released_passes_it_on() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(at_most(1));
        let held = permit(&breaker);
        let (cancelled, next) = (Waiting::begun(&breaker), Waiting::begun(&breaker));
        race_on(&breaker, |_| drop(cancelled), |_| held.settle(Outcome::Success));
        next.assert_admitted();
        assert_free(&breaker, 1);
    });
}

#[test]
fn the_queue_closes_and_opens_again_without_losing_a_slot() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(at_most(2));
        let (one, other) = (permit(&breaker), permit(&breaker));
        let cancelled = Waiting::begun(&breaker);
        let (_, waiting) = race_on(
            &breaker,
            |_| {
                drop(cancelled);
                one.settle(Outcome::Success);
            },
            |main| {
                let mut waiting = Waiting::new(main);
                waiting.poll().is_pending().then_some(waiting)
            },
        );
        if let Some(waiting) = waiting {
            waiting.assert_admitted();
        }
        other.settle(Outcome::Success);
        assert_free(&breaker, 2);
    });
}

#[test]
fn a_lapsed_offer_is_taken_or_ended_but_not_both() {
    with_few_preemptions(|| {
        let (clock, breaker) = breaker(at_most(1));
        let held = permit(&breaker);
        let mut waiting = Waiting::begun(&breaker);
        held.settle(Outcome::Success);
        clock.advance(OFFER);
        let (mut waiting, admitted) = race_on(
            &breaker,
            |_| {
                let is_admitted = waiting.poll().is_ready();
                (!is_admitted).then_some(waiting)
            },
            |other| leaked(other).try_acquire().ok(),
        );
        // The waiting call ends as soon as it has the slot, so the other call can get it as well, but only then.
        if let Some(permit) = admitted {
            assert_eq!(breaker.snapshot().calls_in_flight, Some(1));
            permit.settle(Outcome::Success);
        } else {
            assert!(waiting.is_none(), "one of the two has the slot");
        }
        if let Some(waiting) = &mut waiting {
            assert_eq!(waiting.poll(), Poll::Ready(Ok(())));
        }
        assert_free(&breaker, 1);
    });
}

#[test]
fn a_lapsed_offer_that_two_threads_find_goes_to_one_waiting_call() {
    with_few_preemptions(|| {
        let (clock, breaker) = breaker(at_most(1));
        let held = permit(&breaker);
        std::mem::forget(Waiting::begun(&breaker));
        let mut next = Waiting::begun(&breaker);
        held.settle(Outcome::Success);
        clock.advance(OFFER);
        let (polled, rejected) = race_on(&breaker, move |_| (next.poll(), next), |other| !leak_permit(other));
        let (polled, next) = polled;
        assert!(polled.is_ready() || next.is_woken(), "the slot went on to the waiting call");
        if polled.is_pending() {
            next.assert_admitted();
        }
        if rejected {
            assert_free(&breaker, 1);
        } else {
            assert_eq!(breaker.snapshot().calls_in_flight, Some(1));
        }
    });
}

#[test]
fn a_lower_limit_holds_while_slots_are_released() {
    with_preemptions(2, || {
        let (_clock, breaker) = breaker(at_most(2));
        let (one, other) = (permit(&breaker), permit(&breaker));
        let calls = [Waiting::begun(&breaker), Waiting::begun(&breaker)];
        race_on(
            &breaker,
            |breaker| breaker.set_config(at_most(1).build().expect("in range")),
            |_| {
                one.settle(Outcome::Success);
                other.settle(Outcome::Success);
            },
        );
        calls.into_iter().for_each(Waiting::assert_admitted);
        assert_free(&breaker, 1);
    });
}

#[test]
fn a_higher_limit_admits_waiting_calls_while_slots_are_released() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(at_most(1));
        let held = permit(&breaker);
        let calls = [Waiting::begun(&breaker), Waiting::begun(&breaker)];
        race_on(
            &breaker,
            |breaker| breaker.set_config(at_most(2).build().expect("in range")),
            |_| held.settle(Outcome::Success),
        );
        assert!(calls.iter().all(Waiting::is_woken), "there is a slot for each");
        calls.into_iter().for_each(Waiting::assert_admitted);
        assert_free(&breaker, 2);
    });
}

#[test]
fn a_waiting_trial_whose_lease_has_ended_is_never_admitted() {
    with_few_preemptions(|| {
        let (clock, breaker) = breaker(at_most(2).half_open_max_calls(3));
        let old = permit(&breaker);
        call(&breaker, Outcome::Failure);
        clock.advance(RECOVERY);
        assert!(leak_permit(&breaker), "the trial call hangs");
        let mut waiting = Waiting::begun(&breaker);
        clock.advance(RECOVERY);
        // Neither the old call nor its result notices that a lease has ended, but the other thread does.
        let (polled, is_admitted) = race_on(
            &breaker,
            move |_| {
                old.settle(Outcome::Success);
                waiting.poll()
            },
            leak_permit,
        );
        assert_eq!((polled, is_admitted), (Poll::Ready(Err(ErrorKind::Open)), false));
        assert_eq!((breaker.state(), breaker.snapshot().calls_in_flight), (State::Open, Some(1)));
    });
}

#[test]
fn a_trial_that_has_waited_counts_in_the_generation_that_admits_it() {
    with_few_preemptions(|| {
        let (_clock, breaker) = ready_for_trial(at_most(1).half_open_max_calls(2).success_threshold(2));
        let first = permit(&breaker);
        let mut waiting = Waiting::begun(&breaker);
        let (polled, ()) = race_on(
            &breaker,
            move |_| {
                first.settle(Outcome::Success);
                waiting.poll()
            },
            CircuitBreaker::reset,
        );
        assert_eq!(polled, Poll::Ready(Ok(())));
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::Closed, 0));
        assert_eq!(snapshot.calls_in_flight, Some(0));
        call(&breaker, Outcome::Success);
    });
}

/// Makes a change while a call begins to wait, and checks that it ends the wait of that call with `result`.
fn assert_ends_wait(change: fn(&CircuitBreaker), result: Result<(), ErrorKind>) {
    with_few_preemptions(move || {
        let (_clock, breaker) = breaker(at_most(1));
        let held = permit(&breaker);
        let (polled, ()) = race_on(
            &breaker,
            |one| {
                let mut waiting = Waiting::new(one);
                (waiting.poll(), waiting)
            },
            change,
        );
        let (mut polled, mut waiting) = polled;
        if polled.is_pending() {
            assert!(waiting.is_woken(), "the change wakes the waiting call");
            polled = waiting.poll();
        }
        assert_eq!(polled, Poll::Ready(result));
        held.settle(Outcome::Success);
        breaker.reset();
        assert_eq!(breaker.snapshot().calls_in_flight.unwrap_or_default(), 0);
    });
}

#[test]
fn a_call_that_begins_to_wait_while_an_operator_opens_the_circuit_is_rejected() {
    assert_ends_wait(CircuitBreaker::force_open, Err(ErrorKind::ForcedOpen));
}

#[test]
fn a_call_that_begins_to_wait_while_an_operator_disables_the_circuit_is_admitted() {
    assert_ends_wait(CircuitBreaker::disable, Ok(()));
}

#[test]
fn a_call_that_begins_to_wait_while_shadow_mode_begins_is_admitted() {
    let shadow = |breaker: &CircuitBreaker| {
        breaker.set_config(at_most(1).mode(Mode::Shadow).build().expect("in range"));
    };
    assert_ends_wait(shadow, Ok(()));
}

#[test]
fn a_call_that_begins_to_wait_while_the_limit_is_removed_is_admitted() {
    let remove = |breaker: &CircuitBreaker| breaker.set_config(strict().build().expect("in range"));
    assert_ends_wait(remove, Ok(()));
}

#[test]
fn waiting_calls_are_rejected_while_the_failure_that_opens_the_circuit_releases_its_slot() {
    with_preemptions(2, || {
        let (_clock, breaker) = breaker(at_most(1));
        let held = permit(&breaker);
        let (mut first, mut second) = (Waiting::begun(&breaker), Waiting::begun(&breaker));
        let (first_result, settled) =
            race_on(&breaker, move |_| first.poll(), |_| held.settle(Outcome::Failure));
        assert_eq!(settled, Settled::Counted);
        // The first call can get the slot before the failure is counted. Its success then changes nothing.
        assert_ne!(first_result, Poll::Ready(Err(ErrorKind::BulkheadFull)));
        assert!(second.is_woken());
        assert_eq!(second.poll(), Poll::Ready(Err(ErrorKind::Open)));
        assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
    });
}

#[test]
fn a_waiting_call_and_two_callers_share_one_slot() {
    with_preemptions(2, || {
        let (_clock, breaker) = breaker(at_most(1));
        let held = permit(&breaker);
        let third = breaker.clone();
        let third = thread::spawn(move || {
            if let Ok(permit) = third.try_acquire() {
                permit.settle(Outcome::Success);
            }
        });
        let (waiting, ()) = race_on(
            &breaker,
            |one| {
                let mut waiting = Waiting::new(one);
                waiting.poll().is_pending().then_some(waiting)
            },
            |_| _ = held.settle(Outcome::Success),
        );
        third.join().expect("the thread does not panic");
        if let Some(waiting) = waiting {
            waiting.assert_admitted();
        }
        assert_free(&breaker, 1);
    });
}
