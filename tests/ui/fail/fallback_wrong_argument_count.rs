use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "payment", fallback = cached)]
fn price(sku: &str) -> Result<u32, BreakerError> {
    Ok(sku.len() as u32)
}

fn cached() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
