//! One dependency and one `use` are all that a user writes.

use breaker_runtime::circuit_breaker;

#[circuit_breaker(fallback = |_| 0)]
fn price(sku: &str) -> usize {
    sku.len()
}

fn main() {
    assert_eq!(price("tea"), 3);
}
