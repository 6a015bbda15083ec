//! `cancelled_after`: a call that is cancelled after it ran this long is a failure. A caller's timeout drops
//! the future of a call that hangs, so without this rule such a dependency would never open its circuit.

use std::future::pending;
use std::pin::{Pin, pin};
use std::time::Duration;

use breaker_runtime::{
    BreakerError, CircuitBreaker, ConfigBuilder, Outcome, Registry, State, Totals, circuit_breaker,
};
use tokio::time::timeout;

use crate::support::{Fixture, NANO, RECOVERY, poll_once, seconds, settings};

type Call<'a> = Pin<Box<dyn Future<Output = Result<u8, BreakerError>> + 'a>>;

/// The default of `cancelled_after`.
const DEFAULT: Duration = Duration::from_secs(1);

fn totals(breaker: &CircuitBreaker) -> Totals {
    breaker.snapshot().totals
}

/// Returns a call that was polled once and hangs.
fn hanging(fixture: &Fixture) -> Call<'_> {
    let mut call: Call<'_> = Box::pin(fixture.breaker.call_async(pending()));
    assert!(poll_once(call.as_mut()).is_pending());
    call
}

#[test]
fn a_call_that_begins_centuries_after_the_clock_is_timed_like_any_other() {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    for settings in [settings(), settings().durations(true)] {
        let fixture = Fixture::with(settings);
        for _ in 0..60 {
            fixture.clock.advance(3 * YEAR + seconds(1_234_567));
            let (short, long) = (hanging(&fixture), hanging(&fixture));
            fixture.clock.advance(DEFAULT.checked_sub(NANO).unwrap());
            drop(short);
            assert_eq!(fixture.breaker.snapshot().consecutive_failures, 0);
            fixture.clock.advance(NANO);
            drop(long);
            assert_eq!(fixture.breaker.snapshot().consecutive_failures, 1);
            fixture.call(Outcome::Success);
        }
    }
}

/// Cancels a call after it ran for `time`, and returns the numbers of ignored and failed calls.
fn cancel_after(settings: ConfigBuilder, time: Duration) -> (u64, u64) {
    let fixture = Fixture::with(settings);
    let call = hanging(&fixture);
    fixture.clock.advance(time);
    drop(call);
    let Totals { ignored, failures, cancellations, .. } = totals(&fixture.breaker);
    assert_eq!((cancellations.ignored, cancellations.failures), (ignored, failures));
    (ignored, failures)
}

#[test]
fn a_call_that_is_cancelled_before_cancelled_after_is_ignored_and_one_at_exactly_that_time_is_a_failure() {
    assert_eq!(cancel_after(settings(), Duration::ZERO), (1, 0));
    assert_eq!(cancel_after(settings(), DEFAULT.checked_sub(NANO).unwrap()), (1, 0));
    assert_eq!(cancel_after(settings(), DEFAULT), (0, 1));
    let longer = || settings().cancelled_after(seconds(5));
    assert_eq!(cancel_after(longer(), seconds(5).checked_sub(NANO).unwrap()), (1, 0));
    assert_eq!(cancel_after(longer(), seconds(5)), (0, 1));
}

#[test]
fn with_a_cancelled_after_of_never_every_cancelled_call_is_ignored() {
    assert_eq!(cancel_after(settings().cancelled_after(Duration::MAX), seconds(36_000_000)), (1, 0));
}

#[test]
fn the_time_of_a_timed_call_counts_from_its_start() {
    let timed = || settings().durations(true);
    assert_eq!(cancel_after(timed(), DEFAULT.checked_sub(NANO).unwrap()), (1, 0));
    assert_eq!(cancel_after(timed(), DEFAULT), (0, 1));
}

#[test]
fn the_time_that_a_call_waits_for_a_slot_is_not_included() {
    let fixture = Fixture::with(settings().max_concurrent(1).max_wait(seconds(60)));
    let running = fixture.permit();
    let (mut admitted, waiting) = (hanging(&fixture), hanging(&fixture));
    fixture.clock.advance(seconds(30));
    running.settle(Outcome::Success);
    assert!(poll_once(admitted.as_mut()).is_pending());
    fixture.clock.advance(DEFAULT.checked_sub(NANO).unwrap());
    drop(admitted);
    drop(waiting);
    let Totals { ignored, failures, cancellations, .. } = totals(&fixture.breaker);
    assert_eq!((cancellations.ignored, cancellations.failures), (ignored, failures));
    assert_eq!((ignored, failures), (2, 0));
}

#[test]
fn repeated_polls_do_not_restart_the_time() {
    let fixture = Fixture::new();
    let mut call = hanging(&fixture);
    for _ in 0..4 {
        fixture.clock.advance(Duration::from_millis(250));
        assert!(poll_once(call.as_mut()).is_pending());
    }
    drop(call);
    assert_eq!(totals(&fixture.breaker).failures, 1);
}

#[test]
fn a_cancellation_opens_the_circuit_and_the_transition_says_so() {
    let fixture = Fixture::new();
    for _ in 0..2 {
        let call = hanging(&fixture);
        fixture.clock.advance(Duration::from_millis(1500));
        drop(call);
    }
    assert_eq!(fixture.breaker.state(), State::Open);
    let text = fixture.last_transition().last_failure.clone();
    assert_eq!(text.as_deref(), Some("the caller cancelled the call after 1.5s"));
}

#[test]
fn a_cancelled_trial_fails_after_cancelled_after_and_releases_its_slot_before() {
    let fixture = Fixture::ready_for_trial();
    drop(hanging(&fixture));
    assert_eq!((fixture.breaker.state(), fixture.breaker.snapshot().trials_in_flight), (State::HalfOpen, 0));
    let call = hanging(&fixture);
    fixture.clock.advance(DEFAULT);
    drop(call);
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn a_dropped_permit_is_a_failure_after_cancelled_after() {
    let fixture = Fixture::new();
    let (short, long) = (fixture.permit(), fixture.permit());
    fixture.clock.advance(DEFAULT.checked_sub(NANO).unwrap());
    drop(short);
    fixture.clock.advance(NANO);
    drop(long);
    let Totals { ignored, failures, cancellations, .. } = totals(&fixture.breaker);
    assert_eq!((cancellations.ignored, cancellations.failures), (ignored, failures));
    assert_eq!((ignored, failures), (1, 1));
}

#[test]
fn set_config_changes_cancelled_after_of_running_calls() {
    let fixture = Fixture::new();
    let call = hanging(&fixture);
    fixture.set_config(settings().cancelled_after(seconds(3)));
    fixture.clock.advance(seconds(2));
    drop(call);
    assert_eq!(totals(&fixture.breaker).ignored, 1);
}

#[test]
fn a_late_cancellation_counts_in_the_totals_only() {
    let fixture = Fixture::new();
    let call = hanging(&fixture);
    fixture.clock.advance(seconds(2));
    fixture.breaker.reset();
    drop(call);
    assert_eq!((totals(&fixture.breaker).failures, fixture.breaker.snapshot().consecutive_failures), (1, 0));
}

/// Reads data from a service that hangs.
#[circuit_breaker(name = "cancelled/hanging")]
async fn hang() -> Result<u8, BreakerError> {
    pending().await
}

fn state_of(name: &str) -> State {
    Registry::global().get(name).unwrap().state()
}

#[tokio::test(start_paused = true)]
async fn a_hanging_dependency_whose_callers_time_out_opens_its_circuit() {
    // The breakers of a scope read its clock, and this test needs tokio's.
    for call in 0..50 {
        let timed_out = timeout(seconds(2), hang()).await.is_err();
        assert_eq!(timed_out, call < 5, "call {call}");
    }
    assert_eq!(state_of("cancelled/hanging"), State::Open);
    let totals = Registry::global().get("cancelled/hanging").unwrap().snapshot().totals;
    assert_eq!((totals.failures, totals.rejections.open, totals.ignored), (5, 45, 0));
}

#[circuit_breaker(name = "cancelled/selected")]
async fn selected() -> Result<u8, BreakerError> {
    pending().await
}

#[tokio::test(start_paused = true)]
async fn a_call_that_loses_a_select_is_a_failure_only_after_cancelled_after() {
    for wait in [Duration::from_millis(999), seconds(1)] {
        tokio::select! {
            _ = selected() => {}
            _ = timeout(wait, pending::<()>()) => {}
        }
    }
    let totals = Registry::global().get("cancelled/selected").unwrap().snapshot().totals;
    assert_eq!((totals.ignored, totals.failures), (1, 1));
}

#[circuit_breaker(name = "cancelled/inner", failure_threshold = 2)]
async fn inner() -> Result<u8, BreakerError> {
    pending().await
}

#[circuit_breaker(name = "cancelled/outer", call_timeout = "2s", failure_threshold = 10)]
async fn outer() -> Result<u8, BreakerError> {
    inner().await
}

#[tokio::test(start_paused = true)]
async fn an_outer_call_timeout_counts_as_a_failure_of_the_inner_circuit() {
    for _ in 0..2 {
        assert!(outer().await.is_err());
    }
    assert_eq!((state_of("cancelled/inner"), state_of("cancelled/outer")), (State::Open, State::Closed));
}

#[test]
fn an_attribute_sets_cancelled_after() {
    #[circuit_breaker(name = "cancelled/attribute", cancelled_after = "90s")]
    async fn slow() -> Result<u8, BreakerError> {
        pending().await
    }
    assert!(poll_once(pin!(slow())).is_pending());
    let config = Registry::global().get("cancelled/attribute").unwrap().config();
    assert_eq!(config.cancelled_after(), seconds(90));
}

#[test]
fn a_call_that_is_ready_at_its_first_poll_counts_by_its_result() {
    let fixture = Fixture::with(settings().cancelled_after(NANO));
    let mut call = pin!(fixture.breaker.call_async(async {
        fixture.clock.advance(RECOVERY);
        Ok::<_, BreakerError>(1)
    }));
    assert!(poll_once(call.as_mut()).is_ready());
    assert_eq!((totals(&fixture.breaker).successes, totals(&fixture.breaker).calls()), (1, 1));
    fixture.call(Outcome::Success);
}
