//! Calls that wait for a slot while the state of the circuit changes, above all trial calls.

use std::future::{pending, poll_fn};
use std::mem::forget;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use breaker_runtime::{BreakerError, Cause, ConfigBuilder, ErrorKind, Mode, Outcome, State};

use crate::support::{Fixture, NANO, RECOVERY, poll_once, seconds, settings};

const ALMOST_FIVE_SECONDS: Duration = Duration::from_nanos(4_999_999_999);

type Answer = Result<(), BreakerError>;
type Call<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

fn at_most(calls: u32) -> ConfigBuilder {
    settings().max_concurrent(calls).max_wait(Duration::MAX)
}

/// Returns a call that has begun to wait.
fn waiting<'a>(fixture: &'a Fixture, future: impl Future<Output = Answer> + 'a) -> Call<'a> {
    let mut call: Call<'_> = Box::pin(fixture.breaker.call_async(future));
    assert!(poll_once(call.as_mut()).is_pending());
    call
}

fn rejection(call: &mut Call<'_>) -> ErrorKind {
    let Poll::Ready(Err(error)) = poll_once(call.as_mut()) else { panic!("the call was not rejected") };
    error.kind()
}

#[test]
fn a_waiting_trial_is_rejected_after_the_leases_have_ended() {
    let fixture = Fixture::with(at_most(2));
    let old = fixture.permit();
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    forget(fixture.permit());
    let mut trial = waiting(&fixture, async { Ok(()) });
    fixture.clock.advance(RECOVERY);
    assert_eq!(fixture.breaker.state(), State::Open);
    old.settle(Outcome::Success);
    assert_eq!(rejection(&mut trial), ErrorKind::Open);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::Open, 0));
    assert_eq!(snapshot.last_transition.unwrap().cause, Cause::LeaseExpired);
    assert_eq!((snapshot.calls_in_flight, snapshot.totals.rejections.open), (Some(1), 1));
}

#[test]
fn the_lease_of_a_waiting_trial_starts_when_its_call_begins() {
    let fixture = Fixture::with(at_most(1).half_open_timeout(seconds(5)));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let first = fixture.permit();
    let mut second = waiting(&fixture, pending());
    fixture.clock.advance(ALMOST_FIVE_SECONDS);
    first.settle(Outcome::Success);
    assert!(poll_once(second.as_mut()).is_pending());
    assert_eq!(fixture.calls_in_flight(), 1);
    fixture.clock.advance(ALMOST_FIVE_SECONDS);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::HalfOpen, 1));
    fixture.clock.advance(NANO);
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn the_lease_of_a_trial_ends_while_it_waits() {
    let fixture = Fixture::with(at_most(1).half_open_timeout(seconds(5)));
    let _old = fixture.permit();
    fixture.breaker.reset();
    // The limit is removed so that the two failures that open the circuit can run.
    fixture.set_config(settings().half_open_timeout(seconds(5)));
    fixture.trip();
    fixture.set_config(at_most(1).half_open_timeout(seconds(5)));
    fixture.clock.advance(RECOVERY);
    forget(waiting(&fixture, async { Ok(()) }));
    fixture.clock.advance(ALMOST_FIVE_SECONDS);
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    fixture.clock.advance(NANO);
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn a_trial_that_shadow_mode_admits_after_a_wait_has_its_whole_lease() {
    let fixture = Fixture::with(at_most(1).half_open_timeout(seconds(5)));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    let first = fixture.permit();
    let mut second = waiting(&fixture, pending());
    fixture.clock.advance(seconds(4));
    fixture.set_config(at_most(1).half_open_timeout(seconds(5)).mode(Mode::Shadow));
    assert!(poll_once(second.as_mut()).is_pending());
    first.settle(Outcome::Success);
    fixture.clock.advance(ALMOST_FIVE_SECONDS);
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    fixture.clock.advance(NANO);
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn a_call_that_waits_since_the_circuit_was_closed_is_rejected_after_the_leases_have_ended() {
    let fixture = Fixture::with(at_most(2).failure_threshold(1));
    let (old, failing) = (fixture.permit(), fixture.permit());
    let mut call = waiting(&fixture, async { Ok(()) });
    failing.settle(Outcome::Failure);
    fixture.clock.advance(RECOVERY);
    forget(fixture.permit());
    fixture.clock.advance(RECOVERY);
    assert_eq!(fixture.breaker.state(), State::Open);
    old.settle(Outcome::Success);
    assert_eq!(rejection(&mut call), ErrorKind::Open);
    assert_eq!((fixture.breaker.state(), fixture.calls_in_flight()), (State::Open, 1));
}

#[test]
fn a_call_that_waits_since_the_circuit_was_closed_can_be_the_next_trial() {
    let fixture = Fixture::with(at_most(2).failure_threshold(1).success_threshold(1));
    let (_old, failing) = (fixture.permit(), fixture.permit());
    let mut call = waiting(&fixture, async { Ok(()) });
    failing.settle(Outcome::Failure);
    fixture.clock.advance(RECOVERY);
    assert!(matches!(poll_once(call.as_mut()), Poll::Ready(Ok(()))));
    assert_eq!((fixture.breaker.state(), fixture.calls_in_flight()), (State::Closed, 1));
}

#[test]
fn a_call_that_waited_while_the_breaker_was_disabled_holds_no_slot() {
    let fixture = Fixture::with(at_most(1));
    let held = fixture.permit();
    let mut call = waiting(&fixture, pending());
    fixture.breaker.disable();
    held.settle(Outcome::Success);
    assert!(poll_once(call.as_mut()).is_pending());
    fixture.breaker.release();
    assert_eq!(fixture.calls_in_flight(), 0);
    fixture.call(Outcome::Success);
}

/// Returns a call whose body is ready when it is polled for the last of this number of times.
fn lasting(fixture: &Fixture, polls: u32) -> Call<'_> {
    let mut left = polls;
    Box::pin(fixture.breaker.call_async(poll_fn(move |_| {
        left -= 1;
        if left == 0 { Poll::Ready(Ok(())) } else { Poll::Pending }
    })))
}

/// Callers that make one call after the other, each of which is polled once per second. Returns the seconds after which
/// the circuit has closed.
fn seconds_until_closed(fixture: &Fixture, callers: usize, takes: u32) -> u32 {
    let mut calls: Vec<Option<Call<'_>>> = (0..callers).map(|_| None).collect();
    for second in 0..1000 {
        for call in &mut calls {
            let polled = poll_once(call.get_or_insert_with(|| lasting(fixture, takes)).as_mut());
            if polled.is_ready() {
                *call = None;
            }
        }
        if fixture.breaker.state() == State::Closed {
            return second;
        }
        fixture.clock.advance(seconds(1));
    }
    panic!("{callers} callers, calls of {takes} s: {:?}", fixture.breaker.snapshot());
}

#[test]
fn trials_that_wait_for_each_other_longer_than_a_lease_close_the_circuit() {
    let settings = at_most(1).half_open_timeout(seconds(30)).half_open_max_calls(3).success_threshold(3);
    for takes in [9, 16, 25, 29, 31, 40] {
        let fixture = Fixture::with(settings.clone());
        fixture.trip();
        fixture.clock.advance(RECOVERY);
        // The first calls that take longer than a lease reopen the circuit once, and make the next leases longer.
        let limit = if takes < 30 { 3 * takes } else { 6 * takes };
        assert!(seconds_until_closed(&fixture, 4, takes) <= limit, "{:?}", fixture.breaker.snapshot());
    }
    let fixture = Fixture::with(settings.max_concurrent(2).half_open_max_calls(10).success_threshold(10));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    assert!(seconds_until_closed(&fixture, 12, 25) <= 130);
}

#[test]
fn a_waiting_call_is_woken_and_rejected_when_the_lease_of_another_call_ends() {
    let fixture = Fixture::with(at_most(1).half_open_timeout(seconds(5)).half_open_max_calls(3));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    forget(fixture.permit());
    let woken = Arc::new(Woken::default());
    let mut waiting: Call<'_> = Box::pin(fixture.breaker.call_async(async { Ok(()) }));
    let waker = Waker::from(Arc::clone(&woken));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    fixture.clock.advance(seconds(3));
    // It renews its own lease.
    assert!(woken.0.swap(false, Ordering::SeqCst));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    fixture.clock.advance(seconds(2));
    assert!(woken.0.swap(false, Ordering::SeqCst));
    assert_eq!(rejection(&mut waiting), ErrorKind::Open);
    assert_eq!(fixture.breaker.snapshot().last_transition.unwrap().cause, Cause::LeaseExpired);
}

/// A task that notes when it is woken.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}
