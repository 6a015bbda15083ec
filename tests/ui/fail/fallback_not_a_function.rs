use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "payment", fallback = 5)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
