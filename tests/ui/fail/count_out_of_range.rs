use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(
    failure_threshold = 0,
    consecutive_failures = 16_777_216,
    half_open_max_calls = 1025,
    success_threshold = 4_294_967_296,
    max_concurrent = 0,
    key = price,
    max_keys = 1_000_001,
)]
fn out_of_range(price: u32) -> Result<u32, BreakerError> {
    Ok(price)
}

#[circuit_breaker(failure_threshold = "five", half_open_max_calls = 1.5, success_threshold = -1)]
fn not_an_integer() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
