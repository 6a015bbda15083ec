use std::time::Duration;

use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(retry_after = of_error)]
fn wrong_argument() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(retry_after = always)]
async fn wrong_return_type() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(retry_after = WAIT)]
fn not_a_function() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(retry_after = |_| WAIT)]
fn closure_with_wrong_return_type() -> Result<u32, BreakerError> {
    Ok(1)
}

const WAIT: Duration = Duration::from_secs(30);

fn of_error(error: &BreakerError) -> Option<Duration> {
    error.retry_after()
}

fn always(_: &Result<u32, BreakerError>) -> Duration {
    WAIT
}

fn main() {}
