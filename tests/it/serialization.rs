//! The JSON of the public types, with the feature `serde`.

use std::time::Duration;

use breaker_runtime::{
    Adopt, Config, ErrorKind, Event, Mode, Outcome, Registry, Setting, SettingSource, Sharing, State,
    TripReason, testing,
};
use serde_json::{json, to_value};

use crate::support::{Fixture, seconds, settings};

#[test]
fn a_snapshot_has_the_documented_json() {
    let clock = testing::Clock::new();
    let registry = Registry::with_clock(&clock);
    let config = Config::builder().failure_rate(0.5).window_calls(10).minimum_calls(2).max_concurrent(3);
    let breaker = registry.register("payment", config.build().unwrap()).unwrap();
    breaker.try_acquire().unwrap().settle(Outcome::Success);
    breaker.try_acquire().unwrap().fail_with_retry_after("no route to host", seconds(90));
    clock.advance(std::time::Duration::from_micros(2_500_999));
    assert!(breaker.try_acquire().is_err());
    let source = breaker.snapshot().settings.source(Setting::FailureRate);
    assert!(matches!(source, SettingSource::Program(location) if location.file() == file!()));
    let source = to_value(source).unwrap();
    let expected = json!({
        "name": "payment", "key": null, "state": "open", "time_in_state": 2.5, "retry_after": 87.499, "ramp": null,
        "generation": 1, "critical": false, "consecutive_failures": 0,
        "window": {"calls": 0, "failures": 0, "slow": 0, "failure_rate": null, "slow_call_rate": null},
        "trials_in_flight": 0, "calls_in_flight": 0,
        "totals": {
            "successes": 1, "failures": 1, "timeouts": 0, "injected": 0, "delayed": 0, "ignored": 0, "rejected": 1,
            "rejections": {"open": 1, "half_open": 0, "ramping": 0, "forced_open": 0, "bulkhead": 0},
            "fallbacks": {"successes": 0, "failures": 0},
            "cancellations": {"ignored": 0, "failures": 0},
        },
        "shadow_rejections": 0, "waived_rejections": 0, "waives": false, "durations": null, "time_open": 2.5, "queue": null, "drill": null, "mode": "enforce",
        "changes": {"closed": {"open": 1}}, "keys": null,
        "last_transition": {
            "from": "closed", "to": "open", "cause": "threshold_reached", "generation": 1,
            "trip": {"rule": "failure_rate", "found": 1, "calls": 2, "limit": 0.5},
            "last_failure": "no route to host", "retry_after": 90.0, "initiator": null,
        },
        "sources": {"failure_rate": source, "window": source, "minimum_calls": source, "max_concurrent": source},
    });
    assert_eq!(to_value(breaker.snapshot()).unwrap(), expected);
}

#[test]
fn a_state_change_has_the_fields_of_its_transition() {
    let registry = Registry::new();
    let mut events = registry.subscribe();
    let hosts = registry.register_keyed("host", Config::default(), 10).unwrap();
    hosts.get("eu").operator("alice").disable();
    let Some(Ok(Event::StateChanged(change))) = events.try_next() else { panic!("no state change") };
    let expected = json!({
        "name": "host", "key": "eu", "from": "closed", "to": "disabled", "cause": "disabled", "generation": 1,
        "trip": null, "last_failure": null, "retry_after": null, "initiator": "alice",
    });
    assert_eq!(to_value(change).unwrap(), expected);
}

#[test]
fn formats_that_need_the_number_of_fields_first_are_supported() {
    let registry = Registry::new();
    let mut events = registry.subscribe();
    let config = settings().failure_threshold(1).window_calls(10).durations(true).max_concurrent(3);
    let hosts = registry.register_keyed("host", config.build().unwrap(), 10).unwrap();
    hosts.get("eu").try_acquire().unwrap().fail("no route to host");
    let Some(Ok(Event::StateChanged(change))) = events.try_next() else { panic!("no state change") };
    assert!(postcard::to_allocvec(&change).is_ok());
    for snapshot in [hosts.get("eu").snapshot(), hosts.snapshot()] {
        assert_eq!(postcard::to_allocvec(&snapshot).err(), None);
    }
}

#[test]
fn a_hint_that_never_ends_is_null() {
    let fixture = Fixture::with(settings().failure_threshold(1));
    fixture.permit().fail_with_retry_after("503", Duration::MAX);
    let transition = to_value(&*fixture.last_transition()).unwrap();
    assert_eq!((&transition["to"], &transition["retry_after"]), (&json!("open"), &json!(null)));
}

#[test]
fn durations_are_in_seconds() {
    let fixture = Fixture::with(settings().durations(true));
    assert_eq!(
        to_value(fixture.breaker.snapshot().durations).unwrap(),
        json!({"count": 0, "mean": null, "p50": null, "p95": null, "p99": null})
    );
    fixture.call_taking(seconds(2), Outcome::Success);
    let durations = to_value(fixture.breaker.snapshot().durations).unwrap();
    assert_eq!((&durations["count"], &durations["mean"]), (&1.into(), &2.0.into()));
}

#[test]
fn enums_are_labels() {
    for state in State::ALL {
        assert_eq!(to_value(state).unwrap(), state.label());
    }
    assert_eq!(to_value(Mode::Shadow).unwrap(), "shadow");
    assert_eq!(to_value(Sharing::Quorum).unwrap(), "quorum");
    assert_eq!(to_value(Adopt::UnlessHealthy).unwrap(), "unless_healthy");
    assert_eq!(to_value(Outcome::Ignored).unwrap(), "ignored");
    assert_eq!(to_value(ErrorKind::BulkheadFull).unwrap(), "bulkhead_full");
    assert_eq!(to_value(ErrorKind::Ramping).unwrap(), "ramping");
}

#[test]
fn a_trip_reason_names_the_setting_that_was_reached() {
    let trip = TripReason::FailuresInWindow { failures: 5, calls: 9, limit: 5 };
    let expected = json!({"rule": "failure_threshold", "found": 5, "calls": 9, "limit": 5.0});
    assert_eq!(to_value(trip).unwrap(), expected);
    let hang = TripReason::HangingCall { limit: std::time::Duration::from_millis(1500) };
    let expected = json!({"rule": "hang", "found": 1, "calls": null, "limit": 1.5});
    assert_eq!(to_value(hang).unwrap(), expected);
}
