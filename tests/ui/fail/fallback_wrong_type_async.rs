use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "payment", fallback = cached)]
async fn price(sku: &str) -> Result<u32, BreakerError> {
    Ok(sku.len() as u32)
}

fn cached(sku: &str) -> u32 {
    sku.len() as u32
}

fn main() {}
