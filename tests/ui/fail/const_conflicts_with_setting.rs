use std::time::Duration;

use breaker_runtime::{BreakerError, circuit_breaker};

const MANY: u32 = 200;
const SHORT: Duration = Duration::from_secs(10);

#[circuit_breaker(window = 100, failure_rate = 0.5, minimum_calls = MANY)]
fn minimum_calls_above_window() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = MANY, failure_rate = 0.5, minimum_calls = 201)]
fn window_below_minimum_calls() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = 100, failure_threshold = MANY)]
fn failure_threshold_above_window() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(backoff = 2.0, max_recovery_timeout = SHORT)]
fn max_below_default_recovery_timeout() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(backoff = 2.0, recovery_timeout = SHORT, max_recovery_timeout = "9s")]
fn max_below_recovery_timeout() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
