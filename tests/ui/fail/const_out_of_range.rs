use std::time::Duration;

use breaker_runtime::{BreakerError, circuit_breaker};

const NONE: u32 = 0;
const NO_TIME: Duration = Duration::ZERO;
const NO_NAME: &str = "";

#[circuit_breaker(failure_threshold = NONE)]
fn count() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(recovery_timeout = NO_TIME)]
fn duration() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(name = NO_NAME)]
fn name() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
