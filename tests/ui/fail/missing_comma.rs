use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "payment" failure_threshold = 1)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
