use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(
    key = sku,
    max_keys = 100,
    fallback = last_good(max_age = "0s", max_keys = 0, max_age = "1s", key = |sku| sku, zzz = 1)
)]
fn every_fault(sku: &str) -> Result<u64, BreakerError> {
    Ok(sku.len() as u64)
}

#[circuit_breaker(key = sku, max_keys = 100, fallback = last_good(max_keys = 0))]
fn missing_and_out_of_range(sku: &str) -> Result<u64, BreakerError> {
    Ok(sku.len() as u64)
}

fn main() {}
