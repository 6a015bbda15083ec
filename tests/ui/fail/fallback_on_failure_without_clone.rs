use breaker_runtime::{BreakerError, circuit_breaker};

struct Order(u32);

#[circuit_breaker(fallback = |_| Ok(order.0), fallback_on = failure)]
fn price(order: Order, _note: Order) -> Result<u32, BreakerError> {
    Ok(order.0)
}

fn main() {}
