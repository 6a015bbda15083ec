use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(ignore_if = true)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
