//! The stock: one circuit for each warehouse, which stay closed while the circuit of the payment opens. They have
//! a window, a slow call threshold and a bulkhead.

use breaker_runtime::{BreakerError, circuit_breaker};

/// Returns `true` if the item is in stock, or if the stock is unknown because the call was rejected.
pub(crate) fn is_in_stock(sku: &str) -> bool {
    let warehouse = if sku == "coffee" { "south" } else { "north" };
    look_up(warehouse, sku).unwrap_or(true)
}

#[circuit_breaker(
    name = "stock",
    key = warehouse,      // one warehouse that fails does not affect the others
    window = 100,         // the rates apply to the last hundred calls
    failure_rate = 0.5,   // the circuit opens when half of them have failed
    slow_call = "50ms",   // or when half of them took 50 ms or longer
    max_concurrent = 100, // further concurrent calls are rejected
)]
fn look_up(warehouse: &str, sku: &str) -> Result<bool, BreakerError> {
    let stock: &[&str] = if warehouse == "south" { &["coffee"] } else { &["tea"] };
    Ok(stock.contains(&sku))
}
