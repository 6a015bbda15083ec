use breaker_runtime::{BreakerError, circuit_breaker};

struct Order;

#[circuit_breaker(call_timeout = "2s", fallback = cached)]
async fn price(order: Order) -> Result<u32, BreakerError> {
    cached(order)
}

fn cached(_order: Order) -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
