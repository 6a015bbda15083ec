use breaker_runtime::{BreakerError, circuit_breaker};

const SIZE: u64 = 10;

#[circuit_breaker(window = SIZE)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
