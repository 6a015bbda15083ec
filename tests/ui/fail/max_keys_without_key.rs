use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(max_keys = 16)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(max_open = 0.5)]
fn rate() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
