//! Late outcomes: a permit is settled once and decides only in the generation that issued it.

use breaker_runtime::{Outcome, State};

use crate::support::{Bench, RECOVERY};

#[test]
fn a_late_success_does_not_close_the_circuit() {
    // tower-resilience, breaker 2.0, recloser, failsafe; Polly PR#223; nora#667: a late success closed the
    // circuit.
    let bench = Bench::new();
    let late = [bench.permit(), bench.permit()];
    bench.trip();
    bench.clock.advance(RECOVERY);
    bench.end(Outcome::Ignored);
    for permit in late {
        permit.settle(Outcome::Success);
    }
    assert_eq!(bench.breaker.state(), State::HalfOpen);
    assert_eq!(bench.breaker.snapshot().totals.successes, 2);
}

#[test]
fn a_late_failure_does_not_reopen_the_circuit() {
    let bench = Bench::new();
    let late = [bench.permit(), bench.permit(), bench.permit()];
    bench.trip();
    bench.clock.advance(RECOVERY);
    bench.end(Outcome::Success);
    let [first, second, third] = late;
    first.settle(Outcome::Failure);
    assert_eq!(bench.breaker.state(), State::HalfOpen);
    bench.end(Outcome::Success);
    second.settle(Outcome::Failure);
    third.settle(Outcome::Failure);
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 0));
}

#[test]
fn a_late_trial_does_not_count_in_the_next_recovery() {
    let bench = Bench::due();
    let late = bench.permit();
    bench.end(Outcome::Failure);
    bench.clock.advance(RECOVERY);
    bench.end(Outcome::Success);
    late.settle(Outcome::Success);
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::HalfOpen, 0));
}

#[test]
fn a_late_trial_does_not_release_the_slot_of_another() {
    let bench = Bench::due();
    let late = bench.permit();
    bench.end(Outcome::Failure);
    bench.clock.advance(RECOVERY);
    let (first, second) = (bench.permit(), bench.permit());
    drop(late);
    assert_eq!(bench.breaker.snapshot().trials_in_flight, 2);
    assert!(bench.rejects());
    drop((first, second));
}

#[test]
fn outcomes_of_calls_while_disabled_trip_no_rule_after_the_release() {
    let bench = Bench::new();
    bench.breaker.disable();
    let calls = [bench.permit(), bench.permit(), bench.permit()];
    bench.breaker.release();
    for permit in calls {
        permit.settle(Outcome::Failure);
    }
    let snapshot = bench.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.failures), (State::Closed, 3));
}
