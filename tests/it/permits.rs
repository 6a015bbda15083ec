//! Permits: how they are settled, and the use of the breaker while a permit is held.

use std::mem::forget;

use breaker_runtime::{BreakerError, Outcome, State};

use crate::support::Fixture;

#[test]
fn a_leaked_permit_of_a_closed_circuit_changes_nothing() {
    let fixture = Fixture::new();
    for _ in 0..1000 {
        forget(fixture.permit());
    }
    fixture.call(Outcome::Success);
    assert_eq!(fixture.breaker.snapshot().totals.calls(), 1);
}

#[test]
fn a_permit_that_an_early_return_drops_counts_as_ignored() {
    let fixture = Fixture::new();
    let early = || -> Option<()> {
        let _permit = fixture.breaker.try_acquire().ok()?;
        None
    };
    assert_eq!(early(), None);
    assert_eq!(fixture.breaker.snapshot().totals.ignored, 1);
}

#[test]
fn a_call_can_use_and_read_its_own_breaker() {
    // Regression of circuit_breaker: a callback that read the state deadlocked.
    let fixture = Fixture::ready_for_trial();
    let state = fixture.breaker.call(|| {
        drop(fixture.breaker.snapshot());
        fixture.breaker.call(|| Ok::<_, BreakerError>(fixture.breaker.state()))
    });
    assert_eq!(state.unwrap(), State::HalfOpen);
    // The inner call ran in the slot of the outer one, so one trial call has succeeded.
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    fixture.call(Outcome::Success);
    assert_eq!(fixture.breaker.state(), State::Closed);
}

#[test]
fn a_command_during_a_call_takes_effect() {
    let fixture = Fixture::new();
    fixture
        .breaker
        .call(|| {
            fixture.breaker.force_open();
            Ok::<_, BreakerError>(())
        })
        .unwrap();
    assert_eq!(fixture.breaker.state(), State::ForcedOpen);
}

const fn is_send_and_sync<T: Send + Sync>() {}
const fn is_an_error<T: std::error::Error + Send + Sync + Clone + 'static>() {}

#[test]
fn permits_and_breakers_are_send_and_sync() {
    is_send_and_sync::<breaker_runtime::Permit<'_>>();
    is_send_and_sync::<breaker_runtime::CircuitBreaker>();
    is_send_and_sync::<breaker_runtime::Registry>();
    is_send_and_sync::<breaker_runtime::Snapshot>();
    is_an_error::<BreakerError>();
}
