//! The expansion causes no warning in the user's code.

#![deny(warnings, missing_docs, unused_qualifications, unreachable_pub)]

use std::time::Duration;

use breaker_runtime::{BreakerError, CircuitBreaker, Config, ConfigBuilder, Registry, circuit_breaker};

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

// The compiler could warn about patterns that always match or overlap.
#[circuit_breaker(failure_if(_), ignore_if(Ok(_) | Err(_)))]
fn classified() -> Result<u32, BreakerError> {
    Ok(0)
}

#[circuit_breaker(failure_if(Err(error) if error.name().is_empty()), ignore_if = Result::is_ok)]
async fn filtered() -> Result<u32, BreakerError> {
    Ok(0)
}

#[circuit_breaker(key = tenant, max_keys = 2, max_concurrent = 1, max_wait = "1s")]
async fn keyed(tenant: &str) -> Result<usize, BreakerError> {
    Ok(tenant.len())
}

const POLICY: ConfigBuilder = Config::builder().call_timeout(Duration::from_secs(1));

#[circuit_breaker(config = POLICY, max_concurrent = 1, fallback = |_| Ok(sku.len()))]
async fn with_policy(mut sku: String) -> Result<usize, BreakerError> {
    sku.push('x');
    Ok(sku.len())
}

// The fallback contains the word `length`, but does not use the argument.
#[circuit_breaker(call_timeout = "1s", fallback = |error| Ok(format!("{error} length").len()))]
async fn timed(mut sku: String, length: usize) -> Result<usize, BreakerError> {
    sku.push('x');
    Ok(sku.len() + length)
}

#[circuit_breaker(call_timeout = "1s", fallback = unchanged)]
async fn cloned_argument(mut sku: String) -> String {
    sku.push('x');
    sku
}

fn unchanged(sku: String) -> String {
    sku
}

#[circuit_breaker(fallback = |error| Ok(error.to_string().len()), fallback_on = failure)]
fn on_failure(mut sku: String, length: usize) -> Result<usize, BreakerError> {
    sku.push('x');
    Ok(sku.len() + length)
}

#[circuit_breaker(failure_if(true), fallback = |_| false, fallback_on = failure)]
async fn on_failure_async(sku: String) -> bool {
    sku.is_empty()
}

#[circuit_breaker(fallback = |_| std::process::exit(1), fallback_on = rejected)]
fn never() -> ! {
    std::process::exit(0)
}

#[circuit_breaker(breaker = breaker)]
fn existing(breaker: &CircuitBreaker) -> Result<usize, BreakerError> {
    Ok(breaker.name().len())
}

#[circuit_breaker(breaker = breaker.0, fallback = |_| 0)]
async fn moved(mut breaker: (CircuitBreaker, usize)) -> usize {
    breaker.1 += 1;
    breaker.1
}

#[circuit_breaker(registry = registry, key = "one")]
async fn own_registry(registry: Registry) -> Result<usize, BreakerError> {
    drop(registry);
    Ok(1)
}

fn main() {
    let breaker = CircuitBreaker::new("existing", Config::default()).unwrap();
    assert_eq!((on_failure("tea".into(), 1).ok(), existing(&breaker).ok()), (Some(5), Some(8)));
    drop((on_failure_async(String::new()), moved((breaker, 1)), own_registry(Registry::new())));
    if price("tea", 1).is_err() {
        never();
    }
    assert_eq!(price("tea", 1).ok(), Some(6));
    assert!(classified().is_ok());
    drop((filtered(), keyed("a"), timed(String::new(), 1), cloned_argument(String::new())));
    drop((order("tea"), notify(), with_policy(String::new())));
}
