use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(window = 100, failure_rate = 50, slow_call = "1s", slow_call_rate = 0.0)]
fn out_of_range() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(window = 100, failure_rate = "50%", slow_call = "1s", slow_call_rate = -0.5)]
fn not_a_number() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(key = shop, max_open = 1.5)]
fn share_out_of_range(shop: u32) -> Result<u32, BreakerError> {
    Ok(shop)
}

fn main() {}
