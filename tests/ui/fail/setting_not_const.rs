use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_threshold = limit)]
fn price(limit: u32) -> Result<u32, BreakerError> {
    Ok(limit)
}

fn main() {}
