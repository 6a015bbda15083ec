use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker("payment", 5)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(name = "order", strict)]
fn order() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
