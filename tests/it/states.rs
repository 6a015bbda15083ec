//! The states of a circuit: opening, recovering and closing.

use breaker_runtime::{Cause, ErrorKind, Outcome, State};

use crate::support::{ALMOST_RECOVERY, Bench, NANO, RECOVERY, settings};

#[test]
fn the_failure_that_reaches_the_threshold_opens() {
    // arrow#3344, gobreaker: a limit of 5 failures opened at the sixth.
    let bench = Bench::with(settings().failure_threshold(5));
    for _ in 0..4 {
        bench.end(Outcome::Failure);
        assert_eq!(bench.breaker.state(), State::Closed);
    }
    bench.end(Outcome::Failure);
    assert_eq!(bench.breaker.state(), State::Open);
    assert_eq!(bench.breaker.snapshot().last_transition.unwrap().cause, Cause::ThresholdReached);
}

#[test]
fn a_success_resets_consecutive_failures_and_an_ignored_outcome_does_not() {
    let bench = Bench::new();
    bench.end(Outcome::Failure);
    bench.end(Outcome::Success);
    bench.end(Outcome::Failure);
    assert_eq!(bench.breaker.snapshot().consecutive_failures, 1);
    bench.end(Outcome::Ignored);
    bench.end(Outcome::Failure);
    assert_eq!(bench.breaker.state(), State::Open);
}

#[test]
fn a_success_never_opens() {
    // recloser PR#10, failsafe: successes evaluated the window too.
    let bench = Bench::with(settings().failure_threshold(1));
    for _ in 0..1000 {
        bench.end(Outcome::Success);
    }
    assert_eq!(bench.breaker.state(), State::Closed);
}

#[test]
fn a_call_is_admitted_at_exactly_the_recovery_timeout_and_not_a_nanosecond_before() {
    let bench = Bench::open();
    bench.clock.advance(ALMOST_RECOVERY);
    let error = bench.breaker.try_acquire().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Open);
    assert_eq!(error.retry_after(), Some(NANO));
    bench.clock.advance(NANO);
    assert!(bench.permit().is_trial());
}

#[test]
fn enough_successful_trials_close_the_circuit_and_clear_the_failures() {
    let bench = Bench::due();
    bench.end(Outcome::Success);
    assert_eq!(bench.breaker.state(), State::HalfOpen);
    bench.end(Outcome::Success);
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 0));
    assert_eq!(snapshot.last_transition.unwrap().cause, Cause::TrialsPassed);
    bench.end(Outcome::Failure);
    assert_eq!(bench.breaker.state(), State::Closed);
}

#[test]
fn one_failed_trial_reopens_for_the_whole_recovery_timeout() {
    let bench = Bench::due();
    bench.end(Outcome::Success);
    bench.clock.advance(NANO);
    bench.end(Outcome::Failure);
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, Some(RECOVERY)));
    assert_eq!(snapshot.last_transition.unwrap().cause, Cause::TrialFailed);
}

#[test]
fn an_open_circuit_that_is_due_reads_open_until_a_call_arrives() {
    let bench = Bench::due();
    bench.clock.advance(RECOVERY);
    for _ in 0..3 {
        let snapshot = bench.breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, Some(std::time::Duration::ZERO)));
    }
    drop(bench.permit());
    assert_eq!(bench.breaker.state(), State::HalfOpen);
}

#[test]
fn successes_of_one_recovery_do_not_count_in_the_next() {
    let bench = Bench::due();
    bench.end(Outcome::Success);
    bench.end(Outcome::Failure);
    bench.clock.advance(RECOVERY);
    bench.end(Outcome::Success);
    assert_eq!(bench.breaker.state(), State::HalfOpen);
}
