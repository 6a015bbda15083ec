use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn nothing() {}

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn never() -> ! {
    loop {}
}

#[circuit_breaker(fallback = last_good(max_age = "5m"))]
fn hidden() -> impl Iterator<Item = u32> {
    0..1
}

#[circuit_breaker(fallback = last_good(max_age = "5m", key = text))]
fn borrowed(text: &str) -> Result<&str, BreakerError> {
    Ok(text)
}

fn main() {}
