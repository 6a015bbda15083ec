//! The stock: a second circuit, which stays healthy while that of the payment opens. It has a window, and counts
//! what is slow and what is running.

use breaker_runtime::{BreakerError, circuit_breaker};

/// Whether there is any left. When nobody knows, the customer need not suffer.
pub(crate) fn has(sku: &str) -> bool {
    look_up(sku).unwrap_or(true)
}

#[circuit_breaker(
    name = "stock",
    window = 100,         // of the last hundred calls..
    failure_rate = 0.5,   // ..half failed: it opens
    slow_call = "50ms",   // ..or half took so long
    max_concurrent = 100, // no more at a time; one that is too many is rejected
)]
fn look_up(sku: &str) -> Result<bool, BreakerError> {
    Ok(["tea", "coffee"].contains(&sku))
}
