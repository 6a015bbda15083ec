use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_if = |result| result.is_ok() as u32)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
