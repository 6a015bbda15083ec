use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_if = |result, more| true)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(retry_after = |result, headers| None)]
fn rate() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
