use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(max_wait = "1s")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
