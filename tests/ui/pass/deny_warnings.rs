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

// Patterns that cover all, or each other, and an argument that the fallback only seems to name.
#[circuit_breaker(failure_if(_), ignore_if(Ok(_) | Err(_)))]
fn judged() -> Result<u32, BreakerError> {
    Ok(0)
}

#[circuit_breaker(failure_if(Err(error) if error.name().is_empty()), ignore_if = Result::is_ok)]
async fn asked() -> Result<u32, BreakerError> {
    Ok(0)
}

#[circuit_breaker(key = tenant, max_keys = 2, max_concurrent = 1, max_wait = "1s")]
async fn keyed(tenant: &str) -> Result<usize, BreakerError> {
    Ok(tenant.len())
}

#[circuit_breaker(call_timeout = "1s", fallback = |error| Ok(format!("{error} length").len()))]
async fn limited(mut sku: String, length: usize) -> Result<usize, BreakerError> {
    sku.push('x');
    Ok(sku.len() + length)
}

#[circuit_breaker(call_timeout = "1s", fallback = kept)]
async fn handed_on(mut sku: String) -> String {
    sku.push('x');
    sku
}

fn kept(sku: String) -> String {
    sku
}

fn main() {
    assert_eq!(price("tea", 1).ok(), Some(6));
    assert!(judged().is_ok());
    drop((asked(), keyed("a"), limited(String::new(), 1), handed_on(String::new())));
    drop((order("tea"), notify()));
}
