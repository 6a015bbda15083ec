use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(recovery_timeout = "soon")]
fn without_number() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(recovery_timeout = "")]
fn empty() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(recovery_timeout = "300000000000000d")]
fn too_long() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(recovery_timeout = true)]
fn no_duration() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
