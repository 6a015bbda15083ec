use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(fallback = |error| Ok(error.name().len()), fallback_on = failure)]
fn price() -> Result<usize, BreakerError> {
    Ok(1)
}

fn main() {}
