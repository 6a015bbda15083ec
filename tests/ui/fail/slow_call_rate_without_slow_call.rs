use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(window = 100, slow_call_rate = 0.5)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
