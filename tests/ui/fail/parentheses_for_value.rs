use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(window(100))]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
