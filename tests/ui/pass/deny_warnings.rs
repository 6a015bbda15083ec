//! No warning appears in the user's code.

#![deny(warnings, missing_docs, unused_qualifications, unreachable_pub)]

use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "payment", failure_threshold = 5, fallback = cached)]
fn price(sku: &str, mut times: u32) -> Result<u32, BreakerError> {
    times += 1;
    let length: u32 = sku.len().try_into().unwrap_or_default();
    Ok(length * times)
}

fn cached(_sku: &str, times: u32) -> Result<u32, BreakerError> {
    if times == 0 { return price("", 1) }
    Ok(times)
}

#[circuit_breaker]
async fn order(sku: &str) -> Result<usize, BreakerError> {
    let length = std::future::ready(sku.len()).await;
    Ok(length)
}

#[circuit_breaker(fallback = |_| ())]
async fn notify() {}

fn main() {
    assert_eq!(price("tea", 1).ok(), Some(6));
    drop((order("tea"), notify()));
}
