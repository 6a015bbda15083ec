use std::time::Duration;

use breaker_runtime::{BreakerError, circuit_breaker};

const ZERO: u32 = 0;
const ZERO_TIME: Duration = Duration::ZERO;
const ABOVE_ONE: f64 = 50.0;
const BELOW_ONE: f64 = 0.5;
const EMPTY_NAME: &str = "";
const LONG_NAME: &str = match str::from_utf8(&[b'x'; 256]) {
    Ok(name) => name,
    Err(_) => "",
};

#[circuit_breaker(failure_threshold = ZERO)]
fn failure_threshold() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(consecutive_failures = ZERO)]
fn consecutive_failures() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = 100, failure_rate = ABOVE_ONE)]
fn failure_rate() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = ZERO)]
fn count_based_window() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = ZERO_TIME)]
fn time_based_window() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = 100, failure_rate = 0.5, minimum_calls = ZERO)]
fn minimum_calls() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = 100, slow_call = ZERO_TIME)]
fn slow_call() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = 100, slow_call = "1s", slow_call_rate = ABOVE_ONE)]
fn slow_call_rate() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(recovery_timeout = ZERO_TIME)]
fn recovery_timeout() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(backoff = BELOW_ONE)]
fn backoff() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(jitter = ABOVE_ONE)]
fn jitter() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(half_open_max_calls = ZERO)]
fn half_open_max_calls() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(success_threshold = ZERO)]
fn success_threshold() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(half_open_timeout = ZERO_TIME)]
fn half_open_timeout() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(call_timeout = ZERO_TIME)]
async fn call_timeout() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(cancelled_after = ZERO_TIME)]
async fn cancelled_after() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(ramp = ZERO_TIME)]
fn ramp() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(hang = ZERO_TIME)]
fn hang() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(max_concurrent = ZERO)]
fn max_concurrent() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(key = "", max_keys = ZERO)]
fn max_keys() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(key = "", max_open = ABOVE_ONE)]
fn max_open() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(name = EMPTY_NAME)]
fn empty_name() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(name = LONG_NAME)]
fn long_name() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(fallback = last_good(max_age = ZERO_TIME))]
fn max_age() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
