use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_if(is_bad))]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(ignore_if(faults::is_bad))]
fn rate() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(failure_if(is_bad(result)), ignore_if(exceeds(result, limit)))]
fn stock(limit: u32) -> Result<u32, BreakerError> {
    Ok(limit)
}

fn main() {}
