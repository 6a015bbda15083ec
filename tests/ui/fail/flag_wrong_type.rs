use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(critical = 1, durations = "yes")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
