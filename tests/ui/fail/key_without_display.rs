use breaker_runtime::{BreakerError, circuit_breaker};

struct Tenant;

#[circuit_breaker(key = tenant)]
fn price(tenant: Tenant) -> Result<u32, BreakerError> {
    drop(tenant);
    Ok(1)
}

#[circuit_breaker(key = pair)]
fn order(pair: (u32, u32)) -> Result<u32, BreakerError> {
    Ok(pair.0)
}

#[circuit_breaker(key = (region, tenant))]
fn pay(region: u32, tenant: Option<Tenant>) -> Result<u32, BreakerError> {
    drop(tenant);
    Ok(region)
}

fn main() {}
