use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(retry_after = "30s")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
