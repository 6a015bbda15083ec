use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn price(sku: &str) -> Result<usize, BreakerError> {
    Ok(sku.len())
}

#[circuit_breaker(key = region, fallback = last_good(max_age = "5m"))]
fn stock(region: &str, (sku, _): (&str, u32)) -> Result<usize, BreakerError> {
    Ok(region.len() + sku.len())
}

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn unused(_: u32) -> Result<usize, BreakerError> {
    Ok(1)
}

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn generic<T: Default>() -> Result<usize, BreakerError> {
    Ok(size_of::<T>())
}

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn constant<const N: usize>() -> Result<usize, BreakerError> {
    Ok(N)
}

fn main() {}
