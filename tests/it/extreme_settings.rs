//! The smallest and largest values of the settings, and the defaults that depend on other settings.

use std::time::Duration;

use breaker_runtime::{BreakerError, CircuitBreaker, Config, ConfigBuilder, Outcome, State};

use crate::support::{Fixture, settings};

#[test]
fn a_recovery_timeout_of_max_never_ends() {
    // Regression of failsafe, sentinel: Duration::MAX panicked.
    let fixture = Fixture::with(settings().recovery_timeout(Duration::MAX));
    fixture.trip();
    fixture.clock.advance(Duration::MAX);
    let error = fixture.breaker.try_acquire().unwrap_err();
    assert_eq!(error.retry_after(), None);
    assert_eq!(fixture.breaker.snapshot().retry_after, None);
    assert!(error.to_string().ends_with(" and does not recover by itself"));
    assert!(format!("{error:#}").contains("reset"));
}

#[test]
fn a_lease_of_max_never_expires() {
    let fixture =
        Fixture::with(settings().recovery_timeout(Duration::from_nanos(1)).half_open_timeout(Duration::MAX));
    fixture.trip();
    fixture.clock.advance(Duration::from_nanos(1));
    let trial = fixture.permit();
    fixture.clock.advance(Duration::MAX);
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    trial.settle(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn a_recovery_timeout_below_a_second_is_exact() {
    // Regression of sentinel: sub-second windows were truncated to zero.
    let fixture = Fixture::with(settings().recovery_timeout(Duration::from_nanos(2)));
    fixture.trip();
    fixture.clock.advance(Duration::from_nanos(1));
    assert!(fixture.rejects());
    fixture.clock.advance(Duration::from_nanos(1));
    assert!(!fixture.rejects());
}

#[test]
fn the_system_clock_ends_the_recovery_timeout() {
    let config = Config::builder().failure_threshold(1).recovery_timeout(Duration::from_nanos(1)).build();
    let breaker = CircuitBreaker::new("real time", config.unwrap()).unwrap();
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    assert!(breaker.try_acquire().unwrap().is_trial());
}

#[test]
fn the_system_clock_rejects_until_the_recovery_timeout_ends() {
    let config = Config::builder().failure_threshold(1).recovery_timeout(Duration::from_secs(3600)).build();
    let breaker = CircuitBreaker::new("real time", config.unwrap()).unwrap();
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    let wait = breaker.try_acquire().unwrap_err().retry_after().unwrap();
    assert!(wait > Duration::from_secs(3500) && wait <= Duration::from_secs(3600));
}

#[test]
fn a_setting_out_of_range_is_rejected_by_name() {
    let rejected = [
        (Config::builder().failure_threshold(0), "failure_threshold"),
        (Config::builder().failure_threshold(1 << 24), "failure_threshold"),
        (Config::builder().half_open_max_calls(0), "half_open_max_calls"),
        (Config::builder().half_open_max_calls(1025), "half_open_max_calls"),
        (Config::builder().success_threshold(0), "success_threshold"),
        (Config::builder().recovery_timeout(Duration::ZERO), "recovery_timeout"),
        (Config::builder().half_open_timeout(Duration::ZERO), "half_open_timeout"),
        (Config::builder().success_threshold(0).failure_threshold(0), "success_threshold"),
    ];
    for (builder, name) in rejected {
        let error = builder.build().unwrap_err().to_string();
        assert!(error.starts_with(name), "{error}");
    }
}

#[test]
fn the_largest_settings_work() {
    let config = Config::builder()
        .failure_threshold((1 << 24) - 1)
        .half_open_max_calls(1024)
        .success_threshold(u32::MAX)
        .recovery_timeout(Duration::MAX)
        .build();
    let breaker = CircuitBreaker::new("large", config.unwrap()).unwrap();
    breaker.call(|| Ok::<_, BreakerError>(())).unwrap();
}

#[test]
fn the_lease_defaults_to_the_recovery_timeout() {
    let config = Config::builder().recovery_timeout(Duration::from_secs(7)).build().unwrap();
    assert_eq!(config.half_open_timeout(), Duration::from_secs(7));
}

// With a shorter lease every trial that runs longer would count as failed, and the circuit would never close.
#[test]
fn the_default_lease_is_no_shorter_than_call_timeout() {
    let settings = Config::builder().recovery_timeout(Duration::from_millis(100));
    let lease = |settings: ConfigBuilder| settings.build().unwrap().half_open_timeout();
    assert_eq!(lease(settings.clone().call_timeout(Duration::from_secs(2))), Duration::from_secs(2));
    assert_eq!(lease(settings.clone().call_timeout(Duration::from_millis(10))), Duration::from_millis(100));
    let set = settings.call_timeout(Duration::from_secs(2)).half_open_timeout(Duration::from_secs(1));
    assert_eq!(lease(set), Duration::from_secs(1));
}

#[test]
fn more_consecutive_failures_than_the_threshold_do_not_overflow() {
    let fixture = Fixture::with(settings().failure_threshold(3));
    fixture.breaker.disable();
    for _ in 0..10 {
        fixture.call(Outcome::Failure);
    }
    fixture.breaker.release();
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.snapshot().consecutive_failures, 1);
}

// Declarations of one name conflict unless every setting is equal.
#[test]
fn configs_that_differ_in_one_number_are_not_equal() {
    let of = |calls| {
        Config::builder().window_calls(calls).slow_call(Duration::from_secs(1)).failure_rate(0.5).backoff(2.0)
    };
    let base = || of(100);
    let all = [
        base(),
        base().failure_rate(0.4),
        base().slow_call_rate(0.4),
        base().backoff(3.0),
        base().jitter(0.5),
        base().ramp(Duration::from_secs(9)),
        base().hang(Duration::from_secs(9)),
        base().failure_threshold(5),
        of(101),
        base().minimum_calls(11),
    ]
    .map(|settings| settings.build().unwrap());
    for (index, one) in all.iter().enumerate() {
        for (other_index, other) in all.iter().enumerate() {
            assert_eq!(one == other, index == other_index, "{one:?} {other:?}");
        }
    }
}
