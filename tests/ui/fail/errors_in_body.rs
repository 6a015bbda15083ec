use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "payment")]
fn price(sku: &str) -> Result<u32, BreakerError> {
    Ok(sku.lenght())
}

#[circuit_breaker(name = "order")]
async fn order(sku: String) -> Result<u32, BreakerError> {
    drop(sku);
    Ok(sku.len())
}

fn main() {}
