//! The stock: a second circuit, which stays closed while the circuit of the payment opens. It has a window, a
//! slow call threshold and a bulkhead.

use breaker_runtime::{BreakerError, circuit_breaker};

/// Returns `true` if the item is in stock, or if the stock is unknown because the call was rejected.
pub(crate) fn is_in_stock(sku: &str) -> bool {
    look_up(sku).unwrap_or(true)
}

#[circuit_breaker(
    name = "stock",
    window = 100,         // the rates apply to the last hundred calls
    failure_rate = 0.5,   // the circuit opens when half of them have failed
    slow_call = "50ms",   // or when half of them took 50 ms or longer
    max_concurrent = 100, // further concurrent calls are rejected
)]
fn look_up(sku: &str) -> Result<bool, BreakerError> {
    Ok(["tea", "coffee"].contains(&sku))
}
