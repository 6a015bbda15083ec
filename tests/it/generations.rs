//! Late outcomes: a permit is settled once, and affects the state only in the generation that issued it.

use breaker_runtime::{Outcome, State};

use crate::support::{Fixture, RECOVERY};

#[test]
fn a_late_success_does_not_close_the_circuit() {
    // Regression of tower-resilience, breaker 2.0, recloser, failsafe, Polly PR#223 and nora#667: a late success
    // closed the circuit.
    let fixture = Fixture::new();
    let late = [fixture.permit(), fixture.permit()];
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    fixture.call(Outcome::Ignored);
    for permit in late {
        permit.settle(Outcome::Success);
    }
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    assert_eq!(fixture.breaker.snapshot().totals.successes, 2);
}

#[test]
fn a_late_failure_does_not_reopen_the_circuit() {
    let fixture = Fixture::new();
    let late = [fixture.permit(), fixture.permit(), fixture.permit()];
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    fixture.call(Outcome::Success);
    let [first, second, third] = late;
    first.settle(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    fixture.call(Outcome::Success);
    second.settle(Outcome::Failure);
    third.settle(Outcome::Failure);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 0));
}

#[test]
fn a_late_trial_does_not_count_in_the_next_recovery() {
    let fixture = Fixture::ready_for_trial();
    let late = fixture.permit();
    fixture.call(Outcome::Failure);
    fixture.clock.advance(RECOVERY);
    fixture.call(Outcome::Success);
    late.settle(Outcome::Success);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::HalfOpen, 0));
}

#[test]
fn a_late_trial_does_not_release_the_slot_of_another() {
    let fixture = Fixture::ready_for_trial();
    let late = fixture.permit();
    fixture.call(Outcome::Failure);
    fixture.clock.advance(RECOVERY);
    let (first, second) = (fixture.permit(), fixture.permit());
    drop(late);
    assert_eq!(fixture.breaker.snapshot().trials_in_flight, 2);
    assert!(fixture.rejects());
    drop((first, second));
}

#[test]
fn outcomes_of_calls_while_disabled_trip_no_rule_after_the_release() {
    let fixture = Fixture::new();
    fixture.breaker.disable();
    let calls = [fixture.permit(), fixture.permit(), fixture.permit()];
    fixture.breaker.release();
    for permit in calls {
        permit.settle(Outcome::Failure);
    }
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.failures), (State::Closed, 3));
}
