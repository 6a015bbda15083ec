//! Calls that wait for a slot while the state of the circuit changes, above all trial calls.

use std::future::pending;
use std::mem::forget;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::{BreakerError, Cause, ConfigBuilder, ErrorKind, Outcome, State};

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
