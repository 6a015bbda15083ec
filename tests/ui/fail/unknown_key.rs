use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_treshold = 3, colour = "red")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
