//! Sync and async functions whose fallback is the value of the last success.

use std::time::Duration;

use breaker_runtime::{BreakerError, Registry};

#[breaker_runtime::circuit_breaker(name = "price", fallback = last_good(max_age = "5m", key = sku))]
fn price(sku: String) -> Result<usize, BreakerError> {
    Ok(sku.len())
}

#[breaker_runtime::circuit_breaker(
    name = "stock",
    key = region,
    failure_if(Err(_)),
    fallback = last_good(max_age = AGE, max_keys = 10, key = (sku, 1), on_stale = |count, age| {
        assert!(*count == 3 && age < AGE, "{sku}")
    }),
    fallback_on = failure
)]
async fn stock(region: &str, sku: String) -> Result<usize, BreakerError> {
    _ = region;
    Ok(sku.len())
}

const AGE: Duration = Duration::from_secs(60);

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let tea = || "tea".to_owned();
    assert_eq!((price(tea()).unwrap(), stock("eu", tea()).await.unwrap()), (3, 3));
    Registry::global().get("price").unwrap().force_open();
    Registry::global().get_keyed("stock").unwrap().get("eu").force_open();
    assert_eq!((price(tea()).unwrap(), stock("eu", tea()).await.unwrap()), (3, 3));
    assert!(price("milk".to_owned()).is_err() && stock("us", tea()).await.is_ok());
}
