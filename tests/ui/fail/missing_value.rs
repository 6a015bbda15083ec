use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name =, failure_threshold = 3)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
