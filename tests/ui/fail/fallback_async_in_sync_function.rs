use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "payment", fallback = cached)]
fn price(sku: &str) -> Result<u32, BreakerError> {
    Ok(sku.len() as u32)
}

async fn cached(sku: &str) -> Result<u32, BreakerError> {
    Ok(sku.len() as u32)
}

fn main() {}
