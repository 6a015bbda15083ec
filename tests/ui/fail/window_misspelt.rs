use breaker_runtime::{BreakerError, circuit_breaker};

// One error: the rate has a window, it is only misspelt.
#[circuit_breaker(windw = 100, failure_rate = 0.5)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
