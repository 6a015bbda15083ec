use breaker_runtime::{BreakerError, circuit_breaker};

const NONE: u32 = 0;

#[circuit_breaker(key = tenant, max_keys = NONE)]
fn price(tenant: u32) -> Result<u32, BreakerError> {
    Ok(tenant)
}

fn main() {}
