use breaker_runtime::{BreakerError, circuit_breaker};

const LIMIT: u64 = 3;

#[circuit_breaker(failure_threshold = LIMIT)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
