use std::time::Duration;

use breaker_runtime::{BreakerError, Config, ConfigBuilder, circuit_breaker};

const REMOTE: ConfigBuilder = Config::builder().call_timeout(Duration::from_secs(2));
const LIMITED: ConfigBuilder = Config::builder().max_concurrent(5).max_wait(Duration::from_secs(2));

struct Order;

#[circuit_breaker(config = REMOTE, fallback = cached)]
async fn price(order: Order) -> Result<u32, BreakerError> {
    cached(order)
}

fn cached(_order: Order) -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = LIMITED, fallback = |_| Ok(*count))]
async fn count(count: &mut u32) -> Result<u32, BreakerError> {
    Ok(*count)
}

fn main() {}
