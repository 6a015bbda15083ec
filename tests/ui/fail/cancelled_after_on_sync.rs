use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(cancelled_after = "2s")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
