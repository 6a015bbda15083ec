use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "payment", fallback = cached)]
fn price(sku: &str) -> Result<u32, BreakerError> {
    Ok(sku.len() as u32)
}

fn cached(sku: u64) -> Result<u32, BreakerError> {
    Ok(sku as u32)
}

fn main() {}
