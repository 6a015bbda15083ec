//! The states of a circuit: opening, recovering and closing.

use breaker_runtime::{Cause, ErrorKind, Outcome, State};

use crate::support::{ALMOST_RECOVERY, Fixture, NANO, RECOVERY, settings};

#[test]
fn the_failure_that_reaches_the_threshold_opens() {
    // Regression of arrow#3344 and gobreaker: a limit of 5 failures opened at the sixth.
    let fixture = Fixture::with(settings().failure_threshold(5));
    for _ in 0..4 {
        fixture.call(Outcome::Failure);
        assert_eq!(fixture.breaker.state(), State::Closed);
    }
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::Open);
    assert_eq!(fixture.breaker.snapshot().last_transition.unwrap().cause, Cause::ThresholdReached);
}

#[test]
fn a_success_resets_consecutive_failures_and_an_ignored_outcome_does_not() {
    let fixture = Fixture::new();
    fixture.call(Outcome::Failure);
    fixture.call(Outcome::Success);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.snapshot().consecutive_failures, 1);
    fixture.call(Outcome::Ignored);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn a_success_never_opens() {
    // Regression of recloser PR#10, failsafe: successes evaluated the window too.
    let fixture = Fixture::with(settings().failure_threshold(1));
    for _ in 0..1000 {
        fixture.call(Outcome::Success);
    }
    assert_eq!(fixture.breaker.state(), State::Closed);
}

#[test]
fn a_call_is_admitted_at_exactly_the_recovery_timeout_and_not_a_nanosecond_before() {
    let fixture = Fixture::open();
    fixture.clock.advance(ALMOST_RECOVERY);
    let error = fixture.breaker.try_acquire().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Open);
    assert_eq!(error.retry_after(), Some(NANO));
    fixture.clock.advance(NANO);
    assert!(fixture.permit().is_trial());
}

#[test]
fn enough_successful_trials_close_the_circuit_and_clear_the_failures() {
    let fixture = Fixture::ready_for_trial();
    fixture.call(Outcome::Success);
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    fixture.call(Outcome::Success);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 0));
    assert_eq!(snapshot.last_transition.unwrap().cause, Cause::TrialsPassed);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::Closed);
}

#[test]
fn one_failed_trial_reopens_for_the_whole_recovery_timeout() {
    let fixture = Fixture::ready_for_trial();
    fixture.call(Outcome::Success);
    fixture.clock.advance(NANO);
    fixture.call(Outcome::Failure);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, Some(RECOVERY)));
    assert_eq!(snapshot.last_transition.unwrap().cause, Cause::TrialFailed);
}

#[test]
fn an_open_circuit_is_reported_as_open_until_a_trial_call_arrives() {
    let fixture = Fixture::ready_for_trial();
    fixture.clock.advance(RECOVERY);
    for _ in 0..3 {
        let snapshot = fixture.breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, Some(std::time::Duration::ZERO)));
    }
    drop(fixture.permit());
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
}

#[test]
fn successes_of_one_recovery_do_not_count_in_the_next() {
    let fixture = Fixture::ready_for_trial();
    fixture.call(Outcome::Success);
    fixture.call(Outcome::Failure);
    fixture.clock.advance(RECOVERY);
    fixture.call(Outcome::Success);
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
}
