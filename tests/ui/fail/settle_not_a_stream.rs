use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(settle = stream)]
async fn price() -> Result<u64, BreakerError> {
    Ok(1)
}

fn main() {}
