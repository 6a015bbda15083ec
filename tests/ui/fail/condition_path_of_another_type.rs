use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_if = is_bad)]
fn argument() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(ignore_if = kind)]
fn answer() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(ignore_if = LIMIT)]
async fn no_function() -> Result<u32, BreakerError> {
    Ok(1)
}

const LIMIT: u32 = 1;

fn is_bad(price: &u32) -> bool {
    *price == 0
}

fn kind(_: &Result<u32, BreakerError>) -> u32 {
    1
}

fn main() {}
