use std::time::Duration;

use breaker_runtime::{BreakerError, circuit_breaker};

const NONE: u32 = 0;
const NO_TIME: Duration = Duration::ZERO;
const TOO_MUCH: f64 = 50.0;
const TOO_LITTLE: f64 = 0.5;
const NO_NAME: &str = "";
const LONG_NAME: &str = match str::from_utf8(&[b'x'; 256]) {
    Ok(name) => name,
    Err(_) => "",
};

#[circuit_breaker(failure_threshold = NONE)]
fn count() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(consecutive_failures = NONE)]
fn run() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = 100, failure_rate = TOO_MUCH)]
fn rate() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = NONE)]
fn window() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = NO_TIME)]
fn window_of_time() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = 100, failure_rate = 0.5, minimum_calls = NONE)]
fn minimum() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = 100, slow_call = NO_TIME)]
fn slow() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = 100, slow_call = "1s", slow_call_rate = TOO_MUCH)]
fn slow_rate() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(recovery_timeout = NO_TIME)]
fn recovery() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(backoff = TOO_LITTLE)]
fn backoff() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(jitter = TOO_MUCH)]
fn jitter() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(half_open_max_calls = NONE)]
fn trials() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(success_threshold = NONE)]
fn successes() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(half_open_timeout = NO_TIME)]
fn lease() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(call_timeout = NO_TIME)]
async fn limit() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(max_concurrent = NONE)]
fn concurrent() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(key = "", max_keys = NONE)]
fn keys() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(name = NO_NAME)]
fn name() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(name = LONG_NAME)]
fn long_name() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
