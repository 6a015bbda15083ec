use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(fallback = |_| Ok(1), fallback_on = failures)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(fallback = |_| Ok(1), fallback_on = "rejected")]
fn order() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
