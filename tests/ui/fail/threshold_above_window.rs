use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(window = 10, failure_rate = 0.5, minimum_calls = 20)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = 3, failure_threshold = 5)]
fn stock() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
