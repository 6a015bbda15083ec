use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_threshold = 16_777_216, half_open_max_calls = 1025, success_threshold = 4_294_967_296)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
