use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(recovery_timeout = "0s", half_open_timeout = "0ms", window = "0s")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
