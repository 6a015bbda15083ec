use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(recovery_timeout = 30, ramp = 30, hang = 10)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
