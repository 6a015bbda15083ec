use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(settle = "stream")]
fn quoted() -> Result<u8, BreakerError> {
    Ok(1)
}

#[circuit_breaker(settle = body)]
fn other_word() -> Result<u8, BreakerError> {
    Ok(1)
}

fn main() {}
