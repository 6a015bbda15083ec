use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_rate = 0.5, slow_call = "2s")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
