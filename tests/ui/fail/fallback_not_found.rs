use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "payment", fallback = cashed)]
fn price(sku: &str) -> Result<u32, BreakerError> {
    Ok(sku.len() as u32)
}

fn main() {}
