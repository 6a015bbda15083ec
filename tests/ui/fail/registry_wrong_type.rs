use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(registry = "shop")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(registry = tenant, key = tenant)]
fn order(tenant: u32) -> Result<u32, BreakerError> {
    Ok(tenant)
}

fn main() {}
