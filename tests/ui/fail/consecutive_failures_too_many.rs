use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(consecutive_failures = 16_777_216)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
