//! A user needs one dependency and one `use`.

use breaker_runtime::circuit_breaker;

#[circuit_breaker(fallback = |_| 0)]
fn price(sku: &str) -> usize {
    sku.len()
}

fn main() {
    assert_eq!(price("tea"), 3);
}
