use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_if = is_bad)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn is_bad(price: &u32) -> bool {
    *price == 0
}

fn main() {}
