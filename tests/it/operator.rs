//! The commands of an operator.

use breaker_runtime::{Cause, CircuitBreaker, ErrorKind, Outcome, State};

use crate::support::{Fixture, RECOVERY};

#[test]
fn a_forced_open_circuit_stays_open_until_it_is_released() {
    let fixture = Fixture::new();
    fixture.breaker.force_open();
    fixture.clock.advance(100 * RECOVERY);
    let error = fixture.breaker.try_acquire().unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::ForcedOpen, None));
    fixture.breaker.release();
    assert_eq!(fixture.breaker.state(), State::Closed);
}

#[test]
fn a_disabled_circuit_admits_all_calls_and_applies_no_rule() {
    let fixture = Fixture::open();
    fixture.breaker.disable();
    for _ in 0..100 {
        fixture.call(Outcome::Failure);
    }
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.failures), (State::Disabled, 102));
}

#[test]
fn release_does_not_close_a_circuit_that_a_rule_opened() {
    let fixture = Fixture::open();
    fixture.breaker.release();
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn force_close_release_and_reset_clear_consecutive_failures_of_a_closed_circuit() {
    type Command = fn(&CircuitBreaker);
    let commands: [(Command, Cause); 3] = [
        (CircuitBreaker::force_close, Cause::ForcedClosed),
        (CircuitBreaker::release, Cause::Released),
        (CircuitBreaker::reset, Cause::Reset),
    ];
    for (command, cause) in commands {
        let fixture = Fixture::new();
        let late = fixture.permit();
        fixture.call(Outcome::Failure);
        command(&fixture.breaker);
        let snapshot = fixture.breaker.snapshot();
        assert_eq!((snapshot.consecutive_failures, snapshot.generation), (0, 1), "{cause}");
        assert_eq!(snapshot.last_transition.unwrap().cause, cause);
        late.settle(Outcome::Failure);
        fixture.call(Outcome::Failure);
        assert_eq!(fixture.breaker.state(), State::Closed, "{cause}");
    }
}

#[test]
fn reset_keeps_the_totals() {
    let fixture = Fixture::open();
    fixture.breaker.reset();
    assert_eq!(fixture.breaker.snapshot().totals.failures, 2);
    assert!(!fixture.rejects());
}

#[test]
fn a_command_during_trials_makes_their_outcomes_late() {
    let fixture = Fixture::ready_for_trial();
    let trial = fixture.permit();
    fixture.breaker.force_close();
    trial.settle(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::Closed);
}
