//! Settings, names and key limits that are rejected, and the messages that name them.

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Outcome, RegisterError, Registry, State};

use crate::support::{Bench, seconds, settings};

fn new() -> ConfigBuilder {
    Config::builder()
}

#[track_caller]
fn refused(builder: ConfigBuilder, message: &str) {
    assert_eq!(builder.build().unwrap_err().to_string(), message);
}

#[test]
fn a_rate_must_be_above_zero_and_at_most_one() {
    for nonsense in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, -0.5, 1.000_000_1, 50.0, f64::MAX]
    {
        refused(new().window_calls(10).failure_rate(nonsense), "failure_rate must be above 0 and at most 1");
        refused(
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
    let bench = Bench::with(new().window_calls(10).failure_rate(f64::MIN_POSITIVE).minimum_calls(2));
    bench.end(Outcome::Success);
    assert_eq!(bench.breaker.state(), State::Closed);
    bench.end(Outcome::Failure);
    assert_eq!(bench.breaker.state(), State::Open);
}

#[test]
fn backoff_and_jitter_must_be_numbers_in_their_range() {
    for nonsense in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.999, 0.0, -1.0] {
        refused(new().backoff(nonsense), "backoff must be a number of at least 1.0");
    }
    for nonsense in [f64::NAN, f64::INFINITY, -0.001, 1.001] {
        refused(new().jitter(nonsense), "jitter must be between 0.0 and 1.0");
    }
    assert!(new().jitter(-0.0).backoff(1.0).build().is_ok());
    assert_eq!(new().jitter(-0.0).build(), new().jitter(0.0).build());
}

#[test]
fn a_duration_of_zero_is_rejected() {
    refused(new().recovery_timeout(Duration::ZERO), "recovery_timeout must be longer than zero");
    refused(new().half_open_timeout(Duration::ZERO), "half_open_timeout must be longer than zero");
    refused(new().window_time(Duration::ZERO), "the window must be longer than zero");
    refused(new().window_calls(9).slow_call(Duration::ZERO), "slow_call must be longer than zero");
    refused(new().call_timeout(Duration::ZERO), "call_timeout must be longer than zero");
    refused(
        new().backoff(2.0).max_recovery_timeout(Duration::ZERO),
        "max_recovery_timeout must be at least recovery_timeout",
    );
    // A wait of zero equals the default.
    assert!(new().max_concurrent(1).max_wait(Duration::ZERO).build().is_ok());
}

#[test]
fn a_number_out_of_its_range_is_rejected() {
    refused(new().failure_threshold(0), "failure_threshold must be between 1 and 16777215");
    refused(new().failure_threshold(1 << 24), "failure_threshold must be between 1 and 16777215");
    refused(new().consecutive_failures(0), "consecutive_failures must be between 1 and 16777215");
    refused(new().consecutive_failures(u32::MAX), "consecutive_failures must be between 1 and 16777215");
    refused(new().window_calls(0), "the window must be between 1 and 1000000 calls long");
    refused(new().window_calls(1_000_001), "the window must be between 1 and 1000000 calls long");
    refused(new().window_calls(9).failure_rate(0.5).minimum_calls(0), "minimum_calls must be at least 1");
    refused(new().half_open_max_calls(0), "half_open_max_calls must be between 1 and 1024");
    refused(new().half_open_max_calls(1025), "half_open_max_calls must be between 1 and 1024");
    refused(new().success_threshold(0), "success_threshold must be at least 1");
    refused(new().max_concurrent(0), "max_concurrent must be at least 1");
}

#[test]
fn minimum_calls_above_a_window_of_calls_is_rejected() {
    let message = "minimum_calls must be at most the window; the window never holds more calls";
    refused(new().window_calls(10).failure_rate(0.5).minimum_calls(11), message);
    refused(new().minimum_calls(11).failure_rate(0.5).window_calls(10), message);
    assert!(new().window_calls(10).failure_rate(0.5).minimum_calls(10).build().is_ok());
    assert!(new().window_time(seconds(1)).failure_rate(0.5).minimum_calls(u32::MAX).build().is_ok());
}

#[test]
fn minimum_calls_defaults_to_at_most_the_window_of_calls() {
    for (calls, minimum) in [(1, 1), (9, 9), (10, 10), (1000, 10)] {
        let config = new().window_calls(calls).failure_rate(0.5).build().unwrap();
        assert_eq!(config.minimum_calls(), minimum);
    }
}

#[test]
fn contradictory_settings_are_rejected() {
    let without_window = "failure_rate and slow_call need a window; set window_calls or window_time";
    refused(new().failure_rate(0.5), without_window);
    refused(new().slow_call(seconds(1)), without_window);
    let two_windows = "set either window_calls or window_time, and only once";
    refused(new().window_calls(10).window_time(seconds(1)), two_windows);
    refused(new().window_time(seconds(1)).window_calls(10), two_windows);
    refused(new().window_calls(10).window_calls(10), two_windows);
    refused(
        new().window_calls(10).slow_call_rate(0.5),
        "slow_call_rate needs slow_call, the duration from which a call is slow",
    );
    refused(
        new().window_calls(10).minimum_calls(5),
        "minimum_calls applies to rates only; set failure_rate or slow_call",
    );
    refused(new().max_wait(seconds(1)), "max_wait needs max_concurrent; without it no call waits");
    refused(
        new().max_recovery_timeout(seconds(60)),
        "max_recovery_timeout needs backoff; without it the recovery timeout does not grow",
    );
    refused(
        new().backoff(2.0).max_recovery_timeout(seconds(29)),
        "max_recovery_timeout must be at least recovery_timeout",
    );
}

#[test]
fn the_first_of_several_errors_is_reported_and_ranges_are_checked_before_combinations() {
    refused(new().failure_rate(0.5).jitter(2.0).success_threshold(0), "jitter must be between 0.0 and 1.0");
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
    let bench =
        Bench::with(settings().window_calls(1_000_000).failure_threshold(1_000_000).max_concurrent(u32::MAX));
    bench.end_all(Outcome::Failure, 1000);
    assert_eq!((bench.window(), bench.breaker.state()), ((1000, 1000, 0), State::Closed));
}
