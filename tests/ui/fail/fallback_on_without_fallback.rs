use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(fallback_on = failure)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(breaker = BREAKER, fallback_on = rejected)]
fn order() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
