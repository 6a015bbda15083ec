use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(backoff = 2.0, max_recovery_timeout = "10s")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(backoff = 2.0, max_recovery_timeout = "10s", recovery_timeout = "1m")]
fn order() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
