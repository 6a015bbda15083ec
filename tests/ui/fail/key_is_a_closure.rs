use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(key = |tenant| tenant)]
fn price(tenant: u32) -> Result<u32, BreakerError> {
    Ok(tenant)
}

fn main() {}
