use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_if = is_bad)]
fn wrong_argument() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(ignore_if = kind)]
fn wrong_return_type() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(ignore_if = LIMIT)]
async fn not_a_function() -> Result<u32, BreakerError> {
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
