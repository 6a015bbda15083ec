//! A function that returns a `Result` and has no fallback.

use breaker_runtime::BreakerError;

#[breaker_runtime::circuit_breaker]
fn price(sku: &str) -> Result<usize, BreakerError> {
    Ok(sku.len())
}

fn main() {
    assert_eq!(price("tea").unwrap(), 3);
}
