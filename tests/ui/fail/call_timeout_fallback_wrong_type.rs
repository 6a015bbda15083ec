use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(call_timeout = "2s", fallback = cached)]
async fn price(sku: String) -> Result<u32, BreakerError> {
    Ok(sku.len() as u32)
}

#[circuit_breaker(call_timeout = "2s", fallback = |_| Ok(sku.lenght()))]
async fn length(sku: String) -> Result<usize, BreakerError> {
    Ok(sku.len())
}

fn cached(sku: String) -> u32 {
    sku.len() as u32
}

fn main() {}
