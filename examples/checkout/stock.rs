//! The stock: a second circuit, which stays healthy while that of the payment opens.

use breaker_runtime::{BreakerError, circuit_breaker};

/// Whether there is any left. When nobody knows, the customer need not suffer.
pub(crate) fn has(sku: &str) -> bool {
    look_up(sku).unwrap_or(true)
}

#[circuit_breaker(name = "stock", window = 100, failure_rate = 0.5, durations = true)]
fn look_up(sku: &str) -> Result<bool, BreakerError> {
    Ok(["tea", "coffee"].contains(&sku))
}
