//! Settings, names and key limits that are rejected, and the messages that name them.

use std::time::Duration;

use breaker_runtime::{
    Adopt, CircuitBreaker, Config, ConfigBuilder, Outcome, RegisterError, Registry, Sharing, State,
};

use crate::support::{Fixture, Recorded, seconds, settings};

fn new() -> ConfigBuilder {
    Config::builder()
}

#[track_caller]
fn assert_rejected(builder: ConfigBuilder, message: &str) {
    assert_eq!(builder.build().unwrap_err().to_string(), message);
}

#[test]
fn a_rate_must_be_above_zero_and_at_most_one() {
    for nonsense in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, -0.5, 1.000_000_1, 50.0, f64::MAX]
    {
        assert_rejected(
            new().window_calls(10).failure_rate(nonsense),
            "failure_rate must be above 0 and at most 1",
        );
        assert_rejected(
            new().window_calls(10).slow_call(seconds(1)).slow_call_rate(nonsense),
            "slow_call_rate must be above 0 and at most 1",
        );
    }
    for rate in [f64::MIN_POSITIVE, f64::EPSILON, 0.5, 1.0] {
        assert!(new().window_calls(10).failure_rate(rate).build().is_ok(), "{rate}");
    }
}

#[test]
fn the_smallest_rate_opens_at_the_first_failure_after_minimum_calls() {
    let fixture = Fixture::with(new().window_calls(10).failure_rate(f64::MIN_POSITIVE).minimum_calls(2));
    fixture.call(Outcome::Success);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn backoff_and_jitter_must_be_numbers_in_their_range() {
    for nonsense in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.999, 0.0, -1.0] {
        assert_rejected(new().backoff(nonsense), "backoff must be finite and at least 1.0");
    }
    for nonsense in [f64::NAN, f64::INFINITY, -0.001, 1.001] {
        assert_rejected(new().jitter(nonsense), "jitter must be between 0.0 and 1.0");
    }
    assert!(new().jitter(-0.0).backoff(1.0).build().is_ok());
    assert_eq!(new().jitter(-0.0).build(), new().jitter(0.0).build());
}

#[test]
fn max_open_must_be_above_zero_and_at_most_one() {
    for nonsense in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, -0.5, 1.000_001, 50.0] {
        assert_rejected(new().max_open(nonsense), "max_open must be above 0.0 and at most 1.0");
    }
    for share in [f64::MIN_POSITIVE, 0.5, 1.0] {
        assert!(new().max_open(share).build().is_ok(), "{share}");
    }
    assert_eq!(new().max_open(1.0).build(), new().build());
    assert_eq!(new().max_open(0.5).max_open(1.0).build(), new().build());
}

#[test]
fn a_duration_of_zero_is_rejected() {
    assert_rejected(new().recovery_timeout(Duration::ZERO), "recovery_timeout must be longer than zero");
    assert_rejected(new().half_open_timeout(Duration::ZERO), "half_open_timeout must be longer than zero");
    assert_rejected(new().window_time(Duration::ZERO), "the window must be longer than zero");
    assert_rejected(new().window_calls(9).slow_call(Duration::ZERO), "slow_call must be longer than zero");
    assert_rejected(new().ramp(Duration::ZERO), "ramp must be longer than zero");
    assert_rejected(new().hang(Duration::ZERO), "hang must be longer than zero");
    assert_rejected(new().call_timeout(Duration::ZERO), "call_timeout must be longer than zero");
    assert_rejected(new().cancelled_after(Duration::ZERO), "cancelled_after must be longer than zero");
    assert_rejected(
        new().backoff(2.0).max_recovery_timeout(Duration::ZERO),
        "max_recovery_timeout must be at least recovery_timeout",
    );
    // A wait of zero equals the default.
    assert!(new().max_concurrent(1).max_wait(Duration::ZERO).build().is_ok());
}

#[test]
fn a_number_out_of_its_range_is_rejected() {
    assert_rejected(new().failure_threshold(0), "failure_threshold must be between 1 and 16777215");
    assert_rejected(new().failure_threshold(1 << 24), "failure_threshold must be between 1 and 16777215");
    assert_rejected(new().consecutive_failures(0), "consecutive_failures must be between 1 and 16777215");
    assert_rejected(
        new().consecutive_failures(u32::MAX),
        "consecutive_failures must be between 1 and 16777215",
    );
    assert_rejected(new().window_calls(0), "the window must be between 1 and 1000000 calls long");
    assert_rejected(new().window_calls(1_000_001), "the window must be between 1 and 1000000 calls long");
    assert_rejected(
        new().window_calls(9).failure_rate(0.5).minimum_calls(0),
        "minimum_calls must be at least 1",
    );
    assert_rejected(new().half_open_max_calls(0), "half_open_max_calls must be between 1 and 1024");
    assert_rejected(new().half_open_max_calls(1025), "half_open_max_calls must be between 1 and 1024");
    assert_rejected(new().success_threshold(0), "success_threshold must be at least 1");
    assert_rejected(new().max_concurrent(0), "max_concurrent must be at least 1");
}

#[test]
fn minimum_calls_above_a_count_based_window_is_rejected() {
    let message = "minimum_calls must be at most the window; the window never holds more calls";
    assert_rejected(new().window_calls(10).failure_rate(0.5).minimum_calls(11), message);
    assert_rejected(new().minimum_calls(11).failure_rate(0.5).window_calls(10), message);
    assert!(new().window_calls(10).failure_rate(0.5).minimum_calls(10).build().is_ok());
    assert!(new().window_time(seconds(1)).failure_rate(0.5).minimum_calls(u32::MAX).build().is_ok());
}

#[test]
fn minimum_calls_defaults_to_at_most_a_count_based_window() {
    for (calls, minimum) in [(1, 1), (9, 9), (10, 10), (1000, 10)] {
        let config = new().window_calls(calls).failure_rate(0.5).build().unwrap();
        assert_eq!(config.minimum_calls(), minimum);
    }
}

#[test]
fn contradictory_settings_are_rejected() {
    let without_window = "failure_rate and slow_call need a window; set window_calls or window_time";
    assert_rejected(new().failure_rate(0.5), without_window);
    assert_rejected(new().slow_call(seconds(1)), without_window);
    let two_windows = "set either window_calls or window_time, and only once";
    assert_rejected(new().window_calls(10).window_time(seconds(1)), two_windows);
    assert_rejected(new().window_time(seconds(1)).window_calls(10), two_windows);
    assert_rejected(new().window_calls(10).window_calls(10), two_windows);
    assert_rejected(
        new().window_calls(10).slow_call_rate(0.5),
        "slow_call_rate needs slow_call, the minimum duration of a slow call",
    );
    assert_rejected(
        new().window_calls(10).minimum_calls(5),
        "minimum_calls applies to rates only; set failure_rate or slow_call",
    );
    assert_rejected(new().max_wait(seconds(1)), "max_wait needs max_concurrent; without it no call waits");
    assert_rejected(
        new().adopt(Adopt::Always),
        "adopt needs shared; a circuit of one process follows no other process",
    );
    assert!(new().shared(Sharing::Quorum).adopt(Adopt::Always).build().is_ok());
    assert_eq!(new().adopt(Adopt::UnlessHealthy).build(), new().build());
    // It limits the hints of failures without a backoff too.
    assert!(new().max_recovery_timeout(seconds(60)).build().is_ok());
    assert_rejected(
        new().max_recovery_timeout(seconds(29)),
        "max_recovery_timeout must be at least recovery_timeout",
    );
    assert_rejected(
        new().backoff(2.0).max_recovery_timeout(seconds(29)),
        "max_recovery_timeout must be at least recovery_timeout",
    );
}

#[test]
fn the_first_of_several_errors_is_reported_and_ranges_are_checked_before_combinations() {
    assert_rejected(
        new().failure_rate(0.5).jitter(2.0).success_threshold(0),
        "jitter must be between 0.0 and 1.0",
    );
}

#[test]
fn an_empty_or_too_long_name_is_rejected() {
    let (empty, long) = (
        "the name of a circuit breaker must not be empty",
        "the name of a circuit breaker must be at most 255 bytes long",
    );
    let registry = Registry::new();
    for (name, message) in [(String::new(), empty), ("n".repeat(10_240), long), ("ö".repeat(128), long)] {
        let error = CircuitBreaker::new(name.clone(), Config::default()).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(registry.register(name.clone(), Config::default()).unwrap_err().to_string(), message);
        assert_eq!(registry.register_keyed(name, Config::default(), 9).unwrap_err().to_string(), message);
    }
    assert!(CircuitBreaker::new("n".repeat(255), Config::default()).is_ok());
    assert_eq!(registry.snapshots().len(), 0);
}

#[test]
fn max_keys_out_of_range_is_rejected() {
    let registry = Registry::new();
    for max_keys in [0, 1_000_001, u32::MAX] {
        let error = registry.register_keyed("keyed", Config::default(), max_keys).unwrap_err();
        assert_eq!(error.to_string(), "max_keys must be between 1 and 1000000");
    }
    assert!(registry.register_keyed("keyed", Config::default(), 1_000_000).is_ok());
}

#[test]
fn a_breaker_with_max_keys_of_zero_is_not_registered() {
    let registry = Registry::new();
    let error = registry.register_keyed("keyed", Config::default(), 0).unwrap_err();
    assert!(matches!(error, RegisterError::Invalid(_)), "{error:?}");
    assert!(registry.get_keyed("keyed").is_none() && registry.check().is_ok());
    // The name is still free.
    assert!(registry.register("keyed", Config::default()).is_ok());
}

#[test]
fn the_largest_window_and_bulkhead_work() {
    let fixture = Fixture::with(
        settings().window_calls(1_000_000).failure_threshold(1_000_000).max_concurrent(u32::MAX),
    );
    fixture.call_times(Outcome::Failure, 1000);
    assert_eq!(
        (fixture.window(), fixture.breaker.state()),
        (Recorded { calls: 1000, failures: 1000, slow: 0 }, State::Closed)
    );
}
