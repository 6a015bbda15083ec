use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(key = tenant, max_keys = 1_000_001)]
fn literal(tenant: u32) -> Result<u32, BreakerError> {
    Ok(tenant)
}

fn main() {}
