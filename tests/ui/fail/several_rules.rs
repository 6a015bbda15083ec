use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_rate = 0.5, minimum_calls = 0, max_wait = "1s", call_timeout = "2s")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
