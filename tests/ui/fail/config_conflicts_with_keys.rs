use std::time::Duration;

use breaker_runtime::{BreakerError, Config, ConfigBuilder, circuit_breaker};

const DEFAULTS: ConfigBuilder = Config::builder();
const HALF: ConfigBuilder = DEFAULTS.failure_rate(0.5);
const SHORT: ConfigBuilder = DEFAULTS.window_calls(10);
const MINIMUM: ConfigBuilder = DEFAULTS.window_calls(100).minimum_calls(50);
const SLOW: ConfigBuilder = DEFAULTS.recovery_timeout(Duration::from_secs(60)).backoff(2.0);

#[circuit_breaker(config = HALF)]
fn rate_without_window() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = DEFAULTS, failure_rate = 0.5)]
fn rate_on_top_without_window() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = SHORT, failure_threshold = 11)]
fn threshold_above_window() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = MINIMUM, failure_rate = 0.5, window = 49)]
fn window_below_minimum_calls() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = MINIMUM, consecutive_failures = 3)]
fn minimum_calls_without_rate() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = SHORT, slow_call_rate = 0.5)]
fn slow_call_rate_without_slow_call() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = SLOW, max_recovery_timeout = "59s")]
fn max_recovery_timeout_too_short() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = SHORT, max_wait = "1s")]
fn max_wait_without_max_concurrent() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
