use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(window = 0)]
fn zero() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = 1_000_001)]
fn too_many() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = 0.5)]
fn fraction() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = -1)]
fn negative() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
