use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(max_open = 0.5)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
