use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(retry_after = |result, headers| None)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
