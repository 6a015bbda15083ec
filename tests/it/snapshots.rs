//! Snapshots of a circuit.

use std::mem::forget;
use std::time::Duration;

use breaker_runtime::{Cause, CircuitBreaker, Outcome, State, TripReason};

use crate::support::{Fixture, NANO, RECOVERY, Recorded, poll_once, seconds, settings};

#[test]
fn a_new_breaker_has_an_empty_snapshot() {
    let fixture = Fixture::with(settings().window_calls(10).durations(true).max_concurrent(3));
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.name(), snapshot.key()), ("bench", None));
    assert_eq!((snapshot.state, snapshot.generation, snapshot.retry_after), (State::Closed, 0, None));
    assert_eq!((snapshot.totals.calls(), snapshot.consecutive_failures), (0, 0));
    assert_eq!((snapshot.trials_in_flight, snapshot.calls_in_flight), (0, Some(0)));
    assert_eq!((snapshot.time_open, snapshot.shadow_rejections), (Duration::ZERO, 0));
    assert!(snapshot.last_transition.is_none() && !snapshot.critical);
}

#[test]
fn a_rate_without_calls_is_none() {
    // Regression of resilience4j#1516: the rate was -1. Other libraries return NaN.
    let fixture = Fixture::with(settings().window_calls(10));
    let window = fixture.breaker.snapshot().window.unwrap();
    assert_eq!((window.calls, window.failure_rate(), window.slow_call_rate()), (0, None, None));
    fixture.call(Outcome::Ignored);
    assert_eq!(fixture.breaker.snapshot().window.unwrap().failure_rate(), None);
    fixture.call(Outcome::Success);
    assert_eq!(fixture.breaker.snapshot().window.unwrap().failure_rate(), Some(0.0));
}

#[test]
fn the_window_contains_counts_and_rates() {
    let fixture = Fixture::with(settings().window_calls(8).failure_threshold(8).slow_call(seconds(1)));
    fixture.call_times(Outcome::Success, 3);
    fixture.call(Outcome::Failure);
    fixture.call_taking(seconds(1), Outcome::Failure);
    fixture.call_taking(seconds(1), Outcome::Success);
    fixture.call_times(Outcome::Success, 2);
    let window = fixture.breaker.snapshot().window.unwrap();
    assert_eq!((window.calls, window.failures, window.slow), (8, 2, 2));
    assert_eq!((window.failure_rate(), window.slow_call_rate()), (Some(0.25), Some(0.25)));
}

#[test]
fn reading_a_snapshot_changes_nothing() {
    let fixture = Fixture::with(settings().window_time(seconds(10)).failure_threshold(2));
    fixture.call(Outcome::Failure);
    for _ in 0..100 {
        drop(fixture.breaker.snapshot());
        _ = (fixture.breaker.state(), format!("{:?}", fixture.breaker));
    }
    assert_eq!(
        (fixture.window(), fixture.breaker.snapshot().totals.calls()),
        (Recorded { calls: 1, failures: 1, slow: 0 }, 1)
    );
    fixture.call(Outcome::Failure);
    fixture.clock.advance(RECOVERY);
    assert_eq!(fixture.breaker.snapshot().generation, 1);
}

#[test]
fn durations_are_measured_by_the_clock() {
    let fixture = Fixture::with(settings().durations(true));
    for millis in 1..=100 {
        fixture.call_taking(Duration::from_millis(millis), Outcome::Success);
    }
    let durations = fixture.breaker.snapshot().durations.unwrap();
    assert_eq!((durations.count(), durations.sum()), (100, Duration::from_millis(5050)));
    assert_eq!(durations.mean(), Some(Duration::from_micros(50_500)));
    for (found, millis) in [(durations.p50(), 50), (durations.p95(), 95), (durations.p99(), 99)] {
        let share = found.unwrap().as_secs_f64() / Duration::from_millis(millis).as_secs_f64();
        assert!((0.93..1.07).contains(&share), "{millis} {found:?}");
    }
    assert_eq!(durations.count_within(seconds(1)), 100);
    assert_eq!(durations.count_within(Duration::ZERO), 0);
}

#[test]
fn without_timed_calls_there_are_no_durations() {
    let fixture = Fixture::new();
    fixture.call_taking(seconds(1), Outcome::Success);
    assert!(fixture.breaker.snapshot().durations.is_none());
    let fixture = Fixture::with(settings().durations(true));
    let durations = fixture.breaker.snapshot().durations.unwrap();
    assert_eq!((durations.count(), durations.mean(), durations.p50()), (0, None, None));
}

#[test]
fn failures_and_very_long_calls_are_timed() {
    let fixture = Fixture::with(settings().durations(true));
    fixture.call_taking(seconds(1 << 20), Outcome::Failure);
    fixture.call_taking(Duration::ZERO, Outcome::Success);
    let durations = fixture.breaker.snapshot().durations.unwrap();
    assert_eq!((durations.count(), durations.sum()), (2, seconds(1 << 20)));
}

#[test]
fn an_ignored_call_is_not_timed() {
    let fixture = Fixture::with(settings().durations(true));
    fixture.call_taking(seconds(1), Outcome::Ignored);
    let permit = fixture.permit();
    fixture.clock.advance(Duration::from_millis(999));
    drop(permit);
    assert_eq!(fixture.breaker.snapshot().durations.unwrap().count(), 0);
}

#[test]
fn durations_of_all_threads_are_combined() {
    let fixture = Fixture::with(settings().durations(true).failure_threshold(100));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| fixture.call_times(Outcome::Success, 100));
        }
    });
    assert_eq!(fixture.breaker.snapshot().durations.unwrap().count(), 1600);
}

#[test]
fn every_transition_is_counted_by_its_two_states() {
    let fixture = Fixture::ready_for_trial();
    fixture.call(Outcome::Failure);
    fixture.clock.advance(RECOVERY);
    fixture.call_times(Outcome::Success, 2);
    fixture.breaker.reset();
    fixture.breaker.force_open();
    fixture.breaker.disable();
    let changes = fixture.breaker.snapshot().changes;
    let seen = [
        (State::Closed, State::Open, 1),
        (State::Open, State::HalfOpen, 2),
        (State::HalfOpen, State::Open, 1),
        (State::HalfOpen, State::Closed, 1),
        (State::Closed, State::Closed, 1),
        (State::Closed, State::ForcedOpen, 1),
        (State::ForcedOpen, State::Disabled, 1),
        (State::Open, State::Closed, 0),
    ];
    for (from, to, count) in seen {
        assert_eq!(changes.count(from, to), count, "{from} {to}");
    }
    assert_eq!((changes.to(State::Open), changes.to(State::HalfOpen), changes.to(State::Closed)), (2, 2, 2));
    assert_eq!(fixture.breaker.snapshot().generation, 8);
}

#[test]
fn time_open_includes_open_and_forced_open() {
    let fixture = Fixture::new();
    let time_open = || fixture.breaker.snapshot().time_open;
    fixture.clock.advance(seconds(100));
    assert_eq!(time_open(), Duration::ZERO);
    fixture.trip();
    fixture.clock.advance(seconds(7));
    assert_eq!(time_open(), seconds(7));
    fixture.clock.advance(RECOVERY);
    let trial = fixture.permit();
    fixture.clock.advance(seconds(5));
    assert_eq!(time_open(), seconds(37));
    trial.settle(Outcome::Success);
    fixture.call(Outcome::Success);
    fixture.clock.advance(seconds(100));
    fixture.breaker.force_open();
    fixture.clock.advance(seconds(3));
    assert_eq!(time_open(), seconds(40));
}

#[test]
fn an_expired_lease_is_visible_before_a_call_notices_it() {
    let fixture = Fixture::with(settings().half_open_timeout(seconds(5)));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    forget(fixture.permit());
    fixture.clock.advance(seconds(8));
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.generation, snapshot.trials_in_flight), (State::Open, 3, 0));
    assert_eq!((snapshot.time_in_state, snapshot.time_open), (seconds(3), RECOVERY + seconds(3)));
    assert_eq!(snapshot.changes.count(State::HalfOpen, State::Open), 1);
    assert_eq!(snapshot.last_transition.unwrap().cause, Cause::LeaseExpired);
    assert!(fixture.rejects());
    assert_eq!(fixture.breaker.snapshot().generation, 3);
}

#[test]
fn the_last_transition_contains_the_threshold_its_figures_and_the_failure_text() {
    let fixture = Fixture::with(settings().window_calls(4).failure_rate(0.5).failure_threshold(4));
    fixture.call_times(Outcome::Success, 2);
    fixture.call(Outcome::Failure);
    fixture.permit().fail("no route to host");
    let last = fixture.last_transition();
    assert_eq!((last.from, last.to, last.cause, last.generation), {
        (State::Closed, State::Open, Cause::ThresholdReached, 1)
    });
    assert_eq!(last.trip, Some(TripReason::FailureRate { failures: 2, calls: 4, limit: 0.5 }));
    assert_eq!(
        last.to_string(),
        r#"closed -> open: 2 of 4 calls failed (limit 0.5); last failure: "no route to host""#
    );
    fixture.clock.advance(RECOVERY);
    drop(fixture.permit());
    let last = fixture.last_transition();
    assert_eq!((last.cause, last.trip, last.last_failure.is_none()), (Cause::RecoveryElapsed, None, true));
    assert_eq!(last.to_string(), "open -> half-open: recovery timeout elapsed");
}

#[test]
fn the_time_in_a_state_starts_with_its_generation() {
    let fixture = Fixture::new();
    fixture.clock.advance(seconds(9));
    assert_eq!(fixture.breaker.snapshot().time_in_state, seconds(9));
    fixture.breaker.reset();
    fixture.clock.advance(NANO);
    assert_eq!(fixture.breaker.snapshot().time_in_state, NANO);
}

#[test]
fn every_trip_reason_reads_as_a_sentence() {
    let sentences = [
        (TripReason::ConsecutiveFailures { failures: 5, limit: 5 }, "5 failures in a row (limit 5)"),
        (TripReason::ConsecutiveFailures { failures: 1, limit: 1 }, "1 failure in a row (limit 1)"),
        (
            TripReason::FailuresInWindow { failures: 5, calls: 9, limit: 5 },
            "5 failures among 9 calls (limit 5)",
        ),
        (
            TripReason::FailuresInWindow { failures: 1, calls: 1, limit: 1 },
            "1 failure among 1 call (limit 1)",
        ),
        (TripReason::FailureRate { failures: 1, calls: 1, limit: 0.5 }, "1 of 1 call failed (limit 0.5)"),
        (TripReason::SlowCallRate { slow: 1, calls: 9, limit: 0.1 }, "1 of 9 calls was slow (limit 0.1)"),
        (TripReason::FailureRate { failures: 5, calls: 9, limit: 0.5 }, "5 of 9 calls failed (limit 0.5)"),
        (
            TripReason::HangingCall { limit: Duration::from_millis(2500) },
            "a call has been running for more than 2.5s",
        ),
        (TripReason::SlowCallRate { slow: 5, calls: 9, limit: 0.5 }, "5 of 9 calls were slow (limit 0.5)"),
    ];
    for (trip, sentence) in sentences {
        assert_eq!(trip.to_string(), sentence);
    }
}

#[test]
fn waiting_calls_are_not_in_flight() {
    let fixture = Fixture::with(settings().max_concurrent(1).max_wait(Duration::MAX));
    let in_flight = |breaker: &CircuitBreaker| breaker.snapshot().calls_in_flight;
    let held = fixture.permit();
    let mut waiting = Box::pin(fixture.breaker.call_async_with(|()| Outcome::Success, async {}));
    assert!(poll_once(waiting.as_mut()).is_pending());
    assert_eq!(in_flight(&fixture.breaker), Some(1));
    held.settle(Outcome::Success);
    assert!(poll_once(waiting.as_mut()).is_ready());
    assert_eq!(in_flight(&fixture.breaker), Some(0));
}
