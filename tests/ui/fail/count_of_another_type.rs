use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(
    failure_threshold = "five",
    half_open_max_calls = 1.5,
    success_threshold = -1,
)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
