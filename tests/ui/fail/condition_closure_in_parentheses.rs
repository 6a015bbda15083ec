use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_if(|result| result.is_err()))]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(ignore_if(move |result: &Result<u32, BreakerError>| result.is_err()))]
fn rate() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
