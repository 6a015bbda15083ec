use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(max_concurrent = 0)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
