use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(fallback = last_good(maxage = "5m"))]
fn misspelled() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(fallback = last_good(max_age = "5m", colour = 1, key = (), key = ()))]
fn unknown_and_twice() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(fallback = last_good())]
fn without_max_age() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(fallback = last_good(sku))]
fn unnamed(sku: &str) -> Result<usize, BreakerError> {
    Ok(sku.len())
}

#[circuit_breaker(fallback = last_good("5m"))]
fn without_name() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
