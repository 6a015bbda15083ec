use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_if(Some(_)))]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
