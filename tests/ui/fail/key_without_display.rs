use breaker_runtime::{BreakerError, circuit_breaker};

struct Tenant;

#[circuit_breaker(key = tenant)]
fn price(tenant: Tenant) -> Result<u32, BreakerError> {
    drop(tenant);
    Ok(1)
}

fn main() {}
