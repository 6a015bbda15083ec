//! The bulkhead: `max_concurrent` and `max_wait`.

use std::future::pending;
use std::mem::forget;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ConfigBuilder, ErrorKind, Mode, Outcome, Permit, State,
};

use crate::support::{Fixture, NANO, RECOVERY, catch_panic, poll_once, seconds, settings};

type Answer = Result<u8, BreakerError>;
type Call<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

fn at_most(calls: u32) -> ConfigBuilder {
    settings().max_concurrent(calls)
}

fn at_most_with_wait(calls: u32) -> ConfigBuilder {
    at_most(calls).max_wait(Duration::MAX)
}

impl Fixture {
    /// Returns a polled call that never completes.
    fn endless(&self) -> Call<'_> {
        self.polled(pending())
    }

    /// Returns a polled call that completes as soon as it has a slot.
    fn quick(&self) -> Call<'_> {
        self.polled(async { Ok(1) })
    }

    fn polled<'a>(&'a self, future: impl Future<Output = Answer> + Send + 'a) -> Call<'a> {
        let mut call: Call<'a> = Box::pin(self.breaker.call_async(future));
        assert!(poll_once(call.as_mut()).is_pending());
        call
    }

    fn is_full(&self) -> bool {
        match self.breaker.try_acquire() {
            Ok(_) => false,
            Err(error) => error.kind() == ErrorKind::BulkheadFull,
        }
    }
}

#[test]
fn a_full_bulkhead_rejects_and_counts_no_failure() {
    let fixture = Fixture::with(at_most(2));
    let (one, two) = (fixture.permit(), fixture.permit());
    for _ in 0..100 {
        let error = fixture.breaker.try_acquire().unwrap_err();
        assert_eq!((error.kind(), error.retry_after()), (ErrorKind::BulkheadFull, None));
        assert!(error.to_string().contains("max_concurrent"), "{error}");
    }
    assert!(fixture.breaker.call(|| Ok::<_, BreakerError>(())).is_err());
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 0));
    assert_eq!((snapshot.totals.rejections.bulkhead, snapshot.totals.calls()), (101, 101));
    drop(one);
    drop((fixture.permit(), two));
}

#[test]
fn results_of_calls_and_permits_with_slots_count_alike() {
    let ways: [fn(&Fixture, Outcome); 3] = [
        |fixture, outcome| fixture.call(outcome),
        |fixture, outcome| fixture.breaker.call_with(|()| outcome, || ()).unwrap(),
        |fixture, outcome| {
            let mut call = Box::pin(fixture.breaker.call_async_with(|()| outcome, async {}));
            assert!(poll_once(call.as_mut()).is_ready());
        },
    ];
    for call in ways {
        let fixture =
            Fixture::with(Config::builder().consecutive_failures(3).window_calls(2).max_concurrent(1));
        let steps = [
            (Outcome::Failure, 1, 1),
            (Outcome::Failure, 2, 2),
            (Outcome::Success, 0, 1),
            (Outcome::Success, 0, 0),
            // The window holds only successes, so another one does not change it.
            (Outcome::Success, 0, 0),
            (Outcome::Failure, 1, 1),
            (Outcome::Ignored, 1, 1),
            (Outcome::Success, 0, 1),
            (Outcome::Failure, 1, 1),
            (Outcome::Failure, 2, 2),
        ];
        for (outcome, run, failures) in steps {
            call(&fixture, outcome);
            let snapshot = fixture.breaker.snapshot();
            assert_eq!((snapshot.consecutive_failures, fixture.window().failures), (run, failures));
            assert_eq!(snapshot.calls_in_flight, Some(0));
        }
        call(&fixture, Outcome::Failure);
        assert_eq!(fixture.breaker.state(), State::Open);
    }
}

#[test]
fn an_async_call_that_does_not_wait_is_rejected_under_any_executor() {
    // There is no tokio runtime, so the call must not create a timer.
    for mode in [Mode::Enforce, Mode::Shadow] {
        let config = Config::builder().max_concurrent(1).mode(mode).build().unwrap();
        let breaker = CircuitBreaker::new("no timers", config).unwrap();
        let held = breaker.try_acquire().unwrap();
        let mut call = Box::pin(breaker.call_async(async { Answer::Ok(1) }));
        let Poll::Ready(answer) = poll_once(call.as_mut()) else { panic!("the call waits") };
        if mode == Mode::Shadow {
            assert_eq!(answer.unwrap(), 1);
        } else {
            assert_eq!(answer.unwrap_err().kind(), ErrorKind::BulkheadFull);
        }
        drop(held);
    }
}

#[test]
fn a_full_bulkhead_releases_the_trial_slot() {
    let fixture = Fixture::with(at_most(1).half_open_max_calls(1));
    let long = fixture.permit();
    fixture.breaker.reset();
    // The bulkhead is removed so that the two failures that open the circuit can run.
    fixture.set_config(settings().half_open_max_calls(1));
    fixture.trip();
    fixture.set_config(at_most(1).half_open_max_calls(1));
    fixture.clock.advance(RECOVERY);
    for _ in 0..10 {
        assert!(fixture.is_full());
        assert_eq!(fixture.breaker.snapshot().trials_in_flight, 0);
    }
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    drop(long);
    assert!(fixture.permit().is_trial());
}

#[test]
fn the_circuit_is_checked_before_the_bulkhead() {
    let fixture = Fixture::with(at_most(1));
    let held = fixture.permit();
    fixture.breaker.force_open();
    assert_eq!(fixture.breaker.try_acquire().unwrap_err().kind(), ErrorKind::ForcedOpen);
    fixture.breaker.release();
    assert_eq!(fixture.breaker.try_acquire().unwrap_err().kind(), ErrorKind::BulkheadFull);
    drop(held);
}

#[test]
fn every_way_to_end_a_call_releases_its_slot() {
    let fixture = Fixture::with(at_most(1).failure_threshold(1000));
    let ends: [fn(&Fixture); 7] = [
        |fixture| fixture.call(Outcome::Success),
        |fixture| fixture.call(Outcome::Failure),
        |fixture| fixture.call(Outcome::Ignored),
        |fixture| drop(fixture.permit()),
        |fixture| drop(fixture.endless()),
        |fixture| _ = catch_panic(|| fixture.breaker.call(|| -> Answer { panic!("user code") })),
        |fixture| {
            let mut call = Box::pin(fixture.breaker.call_async(async { Answer::Ok(panics()) }));
            _ = catch_panic(|| poll_once(call.as_mut()).is_ready());
        },
    ];
    for end in ends.iter().cycle().take(70) {
        assert_eq!(fixture.calls_in_flight(), 0);
        end(&fixture);
    }
    assert_eq!(fixture.breaker.snapshot().totals.calls(), 70);
}

fn panics() -> u8 {
    panic!("user code")
}

#[test]
fn a_call_of_an_older_generation_releases_its_slot() {
    let fixture = Fixture::with(at_most(1));
    let late = fixture.permit();
    fixture.breaker.reset();
    assert!(fixture.is_full());
    late.settle(Outcome::Success);
    assert!(!fixture.is_full());
}

#[test]
fn waiting_async_calls_run_in_arrival_order() {
    let fixture = Fixture::with(at_most_with_wait(1));
    let held = fixture.permit();
    let [mut first, mut second, mut third] = [fixture.quick(), fixture.quick(), fixture.quick()];
    held.settle(Outcome::Success);
    for late in [&mut third, &mut second] {
        assert!(poll_once(late.as_mut()).is_pending());
    }
    // A new call does not overtake the waiting ones.
    assert!(fixture.is_full());
    for next in [&mut first, &mut second, &mut third] {
        assert!(matches!(poll_once(next.as_mut()), Poll::Ready(Ok(1))));
    }
    assert_eq!((fixture.calls_in_flight(), fixture.breaker.snapshot().totals.successes), (0, 4));
}

#[test]
fn an_async_call_waits_for_exactly_max_wait() {
    let fixture = Fixture::with(at_most(1).max_wait(seconds(5)));
    let held = fixture.permit();
    let mut call = fixture.quick();
    fixture.clock.advance(seconds(5).checked_sub(NANO).unwrap());
    assert!(poll_once(call.as_mut()).is_pending());
    fixture.clock.advance(NANO);
    let Poll::Ready(Err(error)) = poll_once(call.as_mut()) else { panic!("the call still waits") };
    assert_eq!(error.kind(), ErrorKind::BulkheadFull);
    held.settle(Outcome::Success);
    let totals = fixture.breaker.snapshot().totals;
    assert_eq!((totals.rejections.bulkhead, totals.calls(), fixture.calls_in_flight()), (1, 2, 0));
}

#[test]
fn a_call_that_is_cancelled_while_it_waits_loses_no_slot() {
    let fixture = Fixture::with(at_most_with_wait(1));
    for has_slot in [false, true] {
        let held = fixture.permit();
        let waiting = fixture.quick();
        let mut next = fixture.quick();
        if has_slot {
            held.settle(Outcome::Success);
            drop(waiting);
        } else {
            drop(waiting);
            held.settle(Outcome::Success);
        }
        assert!(poll_once(next.as_mut()).is_ready());
        assert_eq!(fixture.calls_in_flight(), 0);
    }
    let totals = fixture.breaker.snapshot().totals;
    assert_eq!((totals.ignored, totals.successes), (2, 4));
}

#[test]
fn a_trial_that_is_cancelled_while_it_waits_releases_its_slot() {
    let fixture = Fixture::with(at_most_with_wait(1).half_open_max_calls(2));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let first = fixture.permit();
    let waiting = fixture.quick();
    assert_eq!(fixture.breaker.snapshot().trials_in_flight, 2);
    drop(waiting);
    assert_eq!(fixture.breaker.snapshot().trials_in_flight, 1);
    first.settle(Outcome::Success);
    fixture.call(Outcome::Success);
    assert_eq!(fixture.breaker.state(), State::Closed);
}

#[test]
fn a_trial_whose_wait_times_out_releases_its_slot() {
    let fixture = Fixture::with(at_most(1).max_wait(seconds(5)));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let first = fixture.permit();
    let mut waiting = fixture.quick();
    fixture.clock.advance(seconds(5));
    assert!(matches!(poll_once(waiting.as_mut()), Poll::Ready(Err(_))));
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::HalfOpen, 1));
    drop(first);
}

#[test]
fn a_waiting_thread_receives_the_released_slot() {
    let fixture = Fixture::with(at_most_with_wait(1));
    for _ in 0..200 {
        let held = fixture.permit();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| fixture.breaker.call(|| Answer::Ok(7)));
            (0..100).for_each(|_| std::thread::yield_now());
            assert!(!waiting.is_finished());
            held.settle(Outcome::Success);
            assert_eq!(waiting.join().unwrap().unwrap(), 7);
        });
    }
    assert_eq!((fixture.calls_in_flight(), fixture.breaker.snapshot().totals.rejected), (0, 0));
}

#[test]
fn a_thread_waits_at_most_max_wait() {
    let fixture = Fixture::with(at_most(1).max_wait(seconds(5)));
    let held = fixture.permit();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| fixture.breaker.call(|| Answer::Ok(7)));
        // The thread can start to wait at any point of this loop.
        while !waiting.is_finished() {
            fixture.clock.advance(seconds(1));
            std::thread::yield_now();
        }
        assert_eq!(waiting.join().unwrap().unwrap_err().kind(), ErrorKind::BulkheadFull);
    });
    held.settle(Outcome::Success);
    assert_eq!((fixture.calls_in_flight(), fixture.breaker.snapshot().totals.rejections.bulkhead), (0, 1));
}

#[test]
fn try_acquire_never_waits() {
    let fixture = Fixture::with(at_most_with_wait(1));
    let held = fixture.permit();
    assert!(fixture.is_full());
    drop(held);
}

#[test]
fn a_leaked_permit_keeps_its_slot_until_the_limit_is_raised() {
    let fixture = Fixture::with(at_most(2));
    forget(fixture.permit());
    assert_eq!(fixture.calls_in_flight(), 1);
    for _ in 0..100 {
        fixture.call(Outcome::Success);
    }
    forget(fixture.permit());
    assert!(fixture.is_full());
    // The breaker cannot detect leaked permits; an operator can raise the limit.
    fixture.set_config(at_most(3));
    fixture.call(Outcome::Success);
    fixture.breaker.disable();
    let unlimited: Vec<Permit<'_>> = (0..100).map(|_| fixture.permit()).collect();
    drop(unlimited);
}

#[test]
fn a_disabled_breaker_has_no_bulkhead() {
    let fixture = Fixture::with(at_most(1));
    let held = fixture.permit();
    fixture.breaker.disable();
    let more = [fixture.permit(), fixture.permit()];
    fixture.breaker.release();
    assert!(fixture.is_full());
    drop(more);
    assert!(fixture.is_full());
    drop(held);
    assert!(!fixture.is_full());
}

#[test]
fn a_trial_that_enters_the_bulkhead_uses_one_trial_slot() {
    let fixture = Fixture::with(settings().half_open_max_calls(1).success_threshold(1).max_concurrent(2));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let trial = fixture.permit();
    assert!(trial.is_trial());
    assert_eq!(fixture.breaker.snapshot().trials_in_flight, 1);
    trial.settle(Outcome::Success);
    assert_eq!(fixture.breaker.state(), State::Closed);
}
