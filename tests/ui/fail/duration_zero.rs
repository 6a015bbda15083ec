use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(recovery_timeout = "0s", half_open_timeout = "0ms", ramp = "0s", hang = "0s", window = "0s")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(fallback = last_good(max_age = "0s"))]
fn stock() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
