use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_rate = 50%, window = 100)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(failure_threshold = 12.5%)]
fn order() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
