//! Shadow mode, and settings that change on a live breaker.

use std::mem::forget;
use std::time::Duration;

use breaker_runtime::{Cause, Config, ConfigBuilder, Event, Mode, Outcome, Registry, State, TripReason};

use crate::support::{Fixture, NANO, RECOVERY, Recorded, seconds, settings};

fn shadow() -> ConfigBuilder {
    settings().mode(Mode::Shadow)
}

impl Fixture {
    fn shadow_rejections(&self) -> u64 {
        self.breaker.snapshot().shadow_rejections
    }
}

#[test]
fn shadow_mode_counts_and_changes_state_but_never_rejects() {
    let fixture = Fixture::with(shadow());
    fixture.trip();
    assert_eq!(fixture.trip_reason(), TripReason::ConsecutiveFailures { failures: 2, limit: 2 });
    for _ in 0..10 {
        fixture.call(Outcome::Failure);
    }
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.shadow_rejections), (State::Open, 10));
    assert_eq!((snapshot.totals.failures, snapshot.totals.rejected), (12, 0));
    assert_eq!(snapshot.retry_after, Some(RECOVERY));
}

#[test]
fn shadow_mode_times_the_calls_that_it_would_have_rejected() {
    let fixture = Fixture::with(shadow().durations(true));
    fixture.trip();
    for _ in 0..10 {
        fixture.call_taking(seconds(1), Outcome::Success);
    }
    let durations = fixture.breaker.snapshot().durations.unwrap();
    assert_eq!(durations.count(), 12);
    assert_eq!(durations.sum(), seconds(10));
}

#[test]
fn shadow_mode_recovers_through_trial_calls() {
    let fixture = Fixture::with(shadow());
    fixture.trip();
    let outside = fixture.permit();
    fixture.clock.advance(RECOVERY);
    let (first, second) = (fixture.permit(), fixture.permit());
    assert!(first.is_trial() && second.is_trial() && !outside.is_trial());
    let third = fixture.permit();
    assert!(!third.is_trial());
    assert_eq!(fixture.shadow_rejections(), 2);
    third.settle(Outcome::Failure);
    outside.settle(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    first.settle(Outcome::Success);
    second.settle(Outcome::Success);
    assert_eq!(fixture.breaker.state(), State::Closed);
}

#[test]
fn a_late_shadow_call_does_not_change_the_state() {
    let fixture = Fixture::with(shadow().failure_threshold(1));
    fixture.trip();
    let outside = [fixture.permit(), fixture.permit()];
    fixture.breaker.reset();
    let [failure, success] = outside;
    failure.settle(Outcome::Failure);
    success.settle(Outcome::Success);
    assert_eq!((fixture.breaker.state(), fixture.breaker.snapshot().totals.calls()), (State::Closed, 3));
}

#[test]
fn in_shadow_mode_a_forced_open_circuit_admits_calls() {
    let fixture = Fixture::with(shadow());
    fixture.breaker.force_open();
    fixture.call(Outcome::Success);
    assert_eq!((fixture.shadow_rejections(), fixture.breaker.snapshot().totals.rejected), (1, 0));
}

#[test]
fn in_shadow_mode_a_full_bulkhead_admits_calls() {
    let fixture = Fixture::with(shadow().max_concurrent(1).max_wait(Duration::MAX));
    let calls = [fixture.permit(), fixture.permit(), fixture.permit()];
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.shadow_rejections, snapshot.calls_in_flight), (2, Some(1)));
    drop(calls);
    assert_eq!(fixture.breaker.snapshot().calls_in_flight, Some(0));
    assert_eq!(fixture.breaker.snapshot().totals.ignored, 3);
}

#[test]
fn shadow_mode_can_be_turned_on_and_off_on_a_live_breaker() {
    let fixture = Fixture::open();
    assert!(fixture.rejects());
    fixture.set_config(shadow());
    fixture.call(Outcome::Success);
    assert_eq!((fixture.breaker.state(), fixture.shadow_rejections()), (State::Open, 1));
    fixture.set_config(settings());
    assert!(fixture.rejects());
    assert_eq!(fixture.shadow_rejections(), 1);
}

#[test]
fn a_critical_breaker_is_marked_in_its_snapshot() {
    let fixture = Fixture::new();
    assert!(!fixture.breaker.snapshot().critical);
    fixture.set_config(settings().critical(true));
    assert!(fixture.breaker.snapshot().critical && fixture.breaker.config().critical());
}

#[test]
fn set_config_keeps_state_consecutive_failures_totals_generation_and_listeners() {
    // Regression of resilience4j#2325 #1116: a new configuration created a breaker without state and listeners.
    let fixture = Fixture::with(settings().failure_threshold(5));
    let events = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = std::sync::Arc::clone(&events);
    let _subscription =
        fixture.breaker.listen(move |event: &Event| log.lock().unwrap().push(event.to_string()));
    fixture.call(Outcome::Success);
    fixture.call_times(Outcome::Failure, 4);
    let before = fixture.breaker.snapshot();
    fixture.set_config(settings().failure_threshold(9).recovery_timeout(seconds(1)));
    let after = fixture.breaker.snapshot();
    assert_eq!((after.consecutive_failures, after.generation), (4, before.generation));
    assert_eq!((after.totals, after.state), (before.totals, State::Closed));
    fixture.call_times(Outcome::Failure, 5);
    assert_eq!(fixture.trip_reason(), TripReason::ConsecutiveFailures { failures: 9, limit: 9 });
    let events = events.lock().unwrap();
    assert!(events[0].contains("failure_threshold 5 -> 9"), "{events:?}");
    assert!(events[1].contains("closed -> open"), "{events:?}");
    assert_eq!((events.len(), fixture.breaker.config().recovery_timeout()), (2, seconds(1)));
}

#[test]
fn a_threshold_that_set_config_lowers_below_the_count_opens_at_the_next_failure() {
    let fixture = Fixture::with(settings().failure_threshold(100));
    fixture.call_times(Outcome::Failure, 10);
    fixture.set_config(settings().failure_threshold(2));
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::ConsecutiveFailures { failures: 11, limit: 2 });
}

#[test]
fn set_config_does_not_change_when_the_next_trial_call_is_admitted() {
    let fixture = Fixture::open();
    fixture.set_config(settings().recovery_timeout(seconds(1)).half_open_max_calls(1));
    assert_eq!(fixture.breaker.snapshot().retry_after, Some(RECOVERY));
    fixture.clock.advance(RECOVERY.checked_sub(NANO).unwrap());
    assert!(fixture.rejects());
    fixture.clock.advance(NANO);
    fixture.permit().settle(Outcome::Failure);
    assert_eq!(fixture.breaker.snapshot().retry_after, Some(seconds(1)));
}

#[test]
fn set_config_keeps_the_backoff() {
    let fixture = Fixture::with(settings().backoff(2.0));
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    fixture.call(Outcome::Failure);
    fixture.set_config(settings().recovery_timeout(seconds(10)).backoff(3.0));
    fixture.clock.advance(2 * RECOVERY);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.snapshot().retry_after, Some(seconds(90)));
}

#[test]
fn a_half_open_circuit_uses_the_new_number_of_trials() {
    let fixture = Fixture::ready_for_trial();
    let (first, second) = (fixture.permit(), fixture.permit());
    fixture.set_config(settings().half_open_max_calls(1));
    assert!(fixture.rejects());
    drop(first);
    assert!(fixture.rejects());
    drop(second);
    let only = fixture.permit();
    assert!(fixture.rejects());
    fixture.set_config(settings().half_open_max_calls(3).success_threshold(1));
    let more = [fixture.permit(), fixture.permit()];
    assert!(fixture.rejects());
    only.settle(Outcome::Success);
    assert_eq!(fixture.breaker.state(), State::Closed);
    drop(more);
}

#[test]
fn a_trial_keeps_the_lease_it_started_with() {
    let fixture = Fixture::ready_for_trial();
    forget(fixture.permit());
    fixture.set_config(settings().half_open_timeout(seconds(1)));
    fixture.clock.advance(seconds(29));
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    fixture.clock.advance(seconds(1));
    assert_eq!(
        (fixture.breaker.state(), fixture.last_transition().cause),
        (State::Open, Cause::LeaseExpired)
    );
}

#[test]
fn set_config_with_the_current_settings_changes_nothing() {
    let fixture = Fixture::with(settings().window_calls(10).failure_threshold(5));
    fixture.call_times(Outcome::Failure, 3);
    for _ in 0..10 {
        fixture.set_config(settings().window_calls(10).failure_threshold(5));
    }
    assert_eq!(
        (fixture.window(), fixture.breaker.snapshot().generation),
        (Recorded { calls: 3, failures: 3, slow: 0 }, 0)
    );
    assert!(fixture.breaker.snapshot().last_transition.is_none());
}

#[test]
fn a_second_declaration_is_compared_with_the_first_one_and_not_with_applied_settings() {
    let registry = Registry::new();
    let breaker = registry.register("search", Config::default()).unwrap();
    let applied = Config::builder().failure_threshold(9).build().unwrap();
    breaker.set_config(applied.clone());
    assert!(registry.register("search", Config::default()).is_ok());
    assert!(registry.register("search", applied.clone()).is_err());
    assert_eq!(registry.get("search").unwrap().config(), applied);
}

#[test]
fn set_config_during_calls_loses_none_of_them() {
    // The window can miss a call that ends during the change; the totals cannot.
    let fixture = Fixture::with(settings().failure_threshold(1 << 20));
    let windows = [
        settings().window_calls(1000).failure_rate(1.0),
        settings().window_time(seconds(10)).failure_threshold(1 << 20),
        settings().failure_threshold(1 << 20).max_concurrent(3),
        shadow().window_calls(7).consecutive_failures(1 << 20),
    ];
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for call in 0..2000 {
                    let outcome = if call % 2 == 0 { Outcome::Success } else { Outcome::Failure };
                    if let Ok(permit) = fixture.breaker.try_acquire() {
                        permit.settle(outcome);
                    }
                }
            });
        }
        scope.spawn(|| (0..500).for_each(|nth| fixture.set_config(windows[nth % 4].clone())));
    });
    fixture.set_config(settings().max_concurrent(1));
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.totals.calls(), snapshot.calls_in_flight), (8000, Some(0)));
}

#[test]
fn an_operator_command_and_set_config_do_not_deadlock() {
    let fixture = Fixture::with(settings());
    std::thread::scope(|scope| {
        scope.spawn(|| (0..500).for_each(|_| fixture.breaker.force_open()));
        scope.spawn(|| (0..500).for_each(|_| fixture.set_config(shadow())));
        scope.spawn(|| (0..500).for_each(|_| fixture.breaker.release()));
    });
    fixture.breaker.release();
    assert_eq!((fixture.breaker.state(), fixture.breaker.config().mode()), (State::Closed, Mode::Shadow));
}
