use breaker_runtime::{BreakerError, circuit_breaker};

const RATE: f64 = 50.0;
const SIZE: u32 = 0;

#[circuit_breaker(window = 100, failure_rate = RATE)]
fn rate() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = SIZE)]
fn window() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
