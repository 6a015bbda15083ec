//! Calls that wait for a slot while the state of the circuit, its settings, or the call around them changes.

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{scope, yield_now};
use std::time::Duration;

use breaker_runtime::{
    BreakerError, CallEvent, CallEvents, CircuitBreaker, ConfigBuilder, ErrorKind, Mode, Outcome, State,
};

use crate::support::{Fixture, RECOVERY, poll_once, seconds, settings};

type Answer = Result<u8, BreakerError>;
type Call<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// A call that waits, and the number of times that it was woken.
struct Waiting<'a> {
    call: Call<'a>,
    task: Arc<Task>,
}

#[derive(Default)]
struct Task(AtomicU32);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl<'a> Waiting<'a> {
    fn new(fixture: &'a Fixture) -> Self {
        let mut waiting =
            Self { call: Box::pin(fixture.breaker.call_async(async { Ok(1) })), task: Arc::default() };
        assert!(waiting.poll().is_pending(), "no slot is free");
        waiting
    }

    fn poll(&mut self) -> Poll<Result<u8, ErrorKind>> {
        let waker = Waker::from(Arc::clone(&self.task));
        let polled = self.call.as_mut().poll(&mut Context::from_waker(&waker));
        polled.map(|answer| answer.map_err(|error| error.kind()))
    }

    /// Polls the call if it has been woken.
    fn poll_if_woken(&mut self) -> Poll<Result<u8, ErrorKind>> {
        if self.task.0.swap(0, Ordering::SeqCst) > 0 { self.poll() } else { Poll::Pending }
    }
}

fn at_most(calls: u32) -> ConfigBuilder {
    settings().max_concurrent(calls).max_wait(Duration::MAX)
}

const FULL: Poll<Result<u8, ErrorKind>> = Poll::Ready(Err(ErrorKind::BulkheadFull));
const ADMITTED: Poll<Result<u8, ErrorKind>> = Poll::Ready(Ok(1));

/// A change that ends the wait of every call, and the result of the calls.
struct Change {
    make: fn(&Fixture),
    ends_with: Result<u8, ErrorKind>,
}

const CHANGES: [Change; 7] = [
    Change { make: |fixture| fixture.breaker.force_open(), ends_with: Err(ErrorKind::ForcedOpen) },
    Change { make: |fixture| fixture.breaker.disable(), ends_with: Ok(1) },
    Change { make: |fixture| fixture.set_config(at_most(1).mode(Mode::Shadow)), ends_with: Ok(1) },
    Change { make: |fixture| fixture.set_config(settings()), ends_with: Ok(1) },
    Change { make: |fixture| fixture.set_config(at_most(9)), ends_with: Ok(1) },
    Change {
        make: |fixture| fixture.set_config(settings().max_concurrent(1)),
        ends_with: Err(ErrorKind::BulkheadFull),
    },
    Change {
        make: |fixture| {
            fixture.set_config(at_most(1).mode(Mode::Shadow));
            fixture.breaker.force_open();
        },
        ends_with: Ok(1),
    },
];

#[test]
fn every_waiting_call_is_woken_and_decided_when_the_state_or_the_settings_change() {
    for Change { make, ends_with } in CHANGES {
        let fixture = Fixture::with(at_most(1));
        let held = fixture.permit();
        let mut calls = [(); 3].map(|()| Waiting::new(&fixture));
        make(&fixture);
        for call in &mut calls {
            assert_eq!(call.poll_if_woken(), Poll::Ready(ends_with));
        }
        held.settle(Outcome::Success);
        let snapshot = fixture.breaker.snapshot();
        assert_eq!(snapshot.calls_in_flight.unwrap_or_default(), 0);
        let rejected = if ends_with.is_ok() { 0 } else { 3 };
        assert_eq!((snapshot.totals.rejected, snapshot.totals.calls()), (rejected, 4));
    }
}

#[test]
fn every_waiting_thread_continues_when_the_state_or_the_settings_change() {
    for Change { make, ends_with } in CHANGES {
        let fixture = Fixture::with(at_most(1));
        let held = fixture.permit();
        scope(|threads| {
            let call = || fixture.breaker.call(|| Answer::Ok(1)).map_err(|error| error.kind());
            let waiting = [(); 3].map(|()| threads.spawn(call));
            (0..100).for_each(|_| yield_now());
            make(&fixture);
            assert_eq!(waiting.map(|thread| thread.join().unwrap()), [ends_with; 3]);
        });
        held.settle(Outcome::Success);
        assert_eq!(fixture.breaker.snapshot().calls_in_flight.unwrap_or_default(), 0);
    }
}

#[test]
fn a_call_that_shadow_mode_admits_while_it_waits_counts_one_shadow_rejection() {
    let fixture = Fixture::with(at_most(1));
    let _held = fixture.permit();
    let mut calls = [(); 2].map(|()| Waiting::new(&fixture));
    fixture.set_config(at_most(1).mode(Mode::Shadow));
    assert_eq!(calls[0].poll_if_woken(), ADMITTED);
    fixture.breaker.force_open();
    assert_eq!(calls[1].poll_if_woken(), ADMITTED);
    assert_eq!((fixture.breaker.snapshot().shadow_rejections, fixture.calls_in_flight()), (2, 1));
}

#[test]
fn waiting_calls_are_rejected_when_the_circuit_opens_although_no_slot_is_released() {
    let fixture = Fixture::with(at_most(1).failure_threshold(1));
    let mut outer = Box::pin(fixture.breaker.call_async(async {
        tokio::task::yield_now().await;
        // Runs in the slot of the outer call, and opens the circuit.
        fixture.breaker.call_with(|()| Outcome::Failure, || ()).unwrap();
        pending::<Answer>().await
    }));
    assert!(poll_once(outer.as_mut()).is_pending());
    let mut calls = [(); 3].map(|()| Waiting::new(&fixture));
    assert!(poll_once(outer.as_mut()).is_pending());
    for call in &mut calls {
        assert_eq!(call.poll_if_woken(), Poll::Ready(Err(ErrorKind::Open)));
    }
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.totals.rejections.open, snapshot.calls_in_flight), (3, Some(1)));
}

#[test]
fn waiting_calls_are_rejected_when_a_trial_call_fails() {
    let fixture = Fixture::with(at_most(1).half_open_max_calls(3));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let trial = fixture.permit();
    let mut calls = [(); 2].map(|()| Waiting::new(&fixture));
    trial.settle(Outcome::Failure);
    for call in &mut calls {
        assert_eq!(call.poll_if_woken(), Poll::Ready(Err(ErrorKind::Open)));
    }
    assert_eq!((fixture.breaker.state(), fixture.calls_in_flight()), (State::Open, 0));
}

#[test]
fn a_waiting_call_keeps_its_position_when_the_new_state_admits_it() {
    let fixture = Fixture::with(at_most(1));
    let held = fixture.permit();
    let mut calls = [(); 2].map(|()| Waiting::new(&fixture));
    fixture.breaker.reset();
    for call in calls.iter_mut().rev() {
        assert!(call.poll_if_woken().is_pending());
    }
    held.settle(Outcome::Success);
    assert!(calls[1].poll_if_woken().is_pending());
    assert_eq!((calls[0].poll_if_woken(), calls[1].poll_if_woken()), (ADMITTED, ADMITTED));
}

#[test]
fn a_waiting_call_holds_a_trial_slot_after_the_circuit_has_become_half_open() {
    let fixture = Fixture::with(at_most(2).failure_threshold(1).half_open_max_calls(3));
    let (hangs, fails) = (fixture.permit(), fixture.permit());
    let mut waiting = Waiting::new(&fixture);
    fails.settle(Outcome::Failure);
    // The call is not polled while the circuit is open.
    fixture.clock.advance(RECOVERY);
    let trial = fixture.permit();
    assert_eq!((trial.is_trial(), fixture.breaker.snapshot().trials_in_flight), (true, 1));
    assert!(waiting.poll().is_pending());
    assert_eq!(fixture.breaker.snapshot().trials_in_flight, 2);
    drop(waiting);
    assert_eq!(fixture.breaker.snapshot().trials_in_flight, 1);
    drop((hangs, trial));
    assert_eq!((fixture.breaker.state(), fixture.calls_in_flight()), (State::HalfOpen, 0));
}

#[test]
fn a_new_max_wait_applies_to_calls_that_wait() {
    let fixture = Fixture::with(at_most(1).max_wait(seconds(60)));
    let held = fixture.permit();
    let mut call = Waiting::new(&fixture);
    fixture.clock.advance(seconds(5));
    assert!(call.poll_if_woken().is_pending());
    fixture.set_config(at_most(1).max_wait(seconds(10)));
    assert!(call.poll_if_woken().is_pending());
    fixture.clock.advance(seconds(5));
    assert_eq!(call.poll_if_woken(), FULL);
    let mut call = Waiting::new(&fixture);
    fixture.clock.advance(seconds(5));
    fixture.set_config(at_most(1).max_wait(seconds(5)));
    assert_eq!(call.poll_if_woken(), FULL);
    let mut call = Waiting::new(&fixture);
    fixture.set_config(at_most(1));
    assert!(call.poll_if_woken().is_pending());
    fixture.clock.advance(seconds(3600));
    held.settle(Outcome::Success);
    assert_eq!(call.poll_if_woken(), ADMITTED);
}

/// A call that is passed from outside to the call that awaits it.
type Passed<'a> = Rc<Mutex<Option<Call<'a>>>>;

/// Returns a call that first waits for another call that it is passed, and then for the result of that one.
fn call_that_awaits<'a>(breaker: &'a CircuitBreaker, inner: Passed<'a>) -> Call<'a> {
    Box::pin(breaker.call_async(async move {
        let received = poll_fn(|_| inner.lock().unwrap().take().map_or(Poll::Pending, Poll::Ready)).await;
        received.await
    }))
}

#[test]
fn a_call_that_waits_when_an_outer_call_awaits_it_runs_in_the_slot_of_the_outer_call() {
    let fixture = Fixture::with(at_most(1));
    let inner = Passed::default();
    let mut outer = call_that_awaits(&fixture.breaker, Rc::clone(&inner));
    assert!(poll_once(outer.as_mut()).is_pending(), "it holds the only slot");
    let waiting = Waiting::new(&fixture);
    let mut behind = Waiting::new(&fixture);
    *inner.lock().unwrap() = Some(waiting.call);
    assert!(matches!(poll_once(outer.as_mut()), Poll::Ready(Ok(1))));
    assert_eq!(behind.poll_if_woken(), ADMITTED);
    assert_eq!((fixture.calls_in_flight(), fixture.breaker.snapshot().totals.successes), (0, 3));
}

#[test]
fn a_call_that_waits_longer_than_the_outer_call_that_awaits_it_runs_in_its_slot() {
    let fixture = Fixture::with(at_most(1));
    let held = fixture.permit();
    let inner = Passed::new(Mutex::new(Some(Waiting::new(&fixture).call)));
    let mut outer = call_that_awaits(&fixture.breaker, Rc::clone(&inner));
    assert!(poll_once(outer.as_mut()).is_pending());
    held.settle(Outcome::Success);
    // The slot is offered to the inner call first, which cannot take it.
    assert!(poll_once(outer.as_mut()).is_pending());
    fixture.clock.advance(Duration::from_millis(10));
    assert!(matches!(poll_once(outer.as_mut()), Poll::Ready(Ok(1))));
    assert_eq!(fixture.calls_in_flight(), 0);
}

#[test]
fn a_trial_that_waits_when_an_outer_trial_awaits_it_runs_in_the_slot_of_the_outer_one() {
    let fixture = Fixture::with(at_most(1).half_open_max_calls(2).success_threshold(1));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let inner = Passed::default();
    let mut outer = call_that_awaits(&fixture.breaker, Rc::clone(&inner));
    assert!(poll_once(outer.as_mut()).is_pending());
    *inner.lock().unwrap() = Some(Waiting::new(&fixture).call);
    assert_eq!(fixture.breaker.snapshot().trials_in_flight, 2);
    assert!(matches!(poll_once(outer.as_mut()), Poll::Ready(Ok(1))));
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::Closed, 0));
    assert_eq!((snapshot.calls_in_flight, snapshot.totals.successes), (Some(0), 2));
}

#[test]
fn a_call_that_began_inside_a_call_continues_without_a_slot_outside_of_it() {
    let fixture = Fixture::with(at_most(1));
    let mut moved_out: Option<Call<'_>> = None;
    let outer = fixture.breaker.call_async(async {
        let mut inner: Call<'_> = Box::pin(fixture.breaker.call_async(pending()));
        assert!(poll_once(inner.as_mut()).is_pending());
        moved_out = Some(inner);
        Answer::Ok(1)
    });
    assert!(poll_once(pin!(outer)).is_ready());
    let mut inner = moved_out.unwrap();
    assert!(poll_once(inner.as_mut()).is_pending());
    assert_eq!(fixture.calls_in_flight(), 0);
}

#[test]
fn a_call_of_a_listener_of_the_rejection_runs_in_the_slot_of_the_call_that_waited() {
    let fixture = Fixture::with(at_most(1));
    let (breaker, inner) = (fixture.breaker.clone(), Arc::new(Mutex::new(Vec::new())));
    let results = Arc::clone(&inner);
    let listener = move |_: &CallEvent| {
        breaker.reset();
        results.lock().unwrap().push(breaker.call(|| Ok::<_, BreakerError>(2)).unwrap());
    };
    fixture.breaker.listen_to_calls(CallEvents::REJECTED, listener).detach();
    let held = fixture.permit();
    let mut waiting = Waiting::new(&fixture);
    held.settle(Outcome::Success);
    fixture.breaker.force_open();
    assert_eq!(waiting.poll(), Poll::Ready(Err(ErrorKind::ForcedOpen)));
    assert_eq!(*inner.lock().unwrap(), [2]);
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
}
