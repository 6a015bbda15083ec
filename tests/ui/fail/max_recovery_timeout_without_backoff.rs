use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(max_recovery_timeout = "5m")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
