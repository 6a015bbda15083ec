//! Async functions with a sync fallback and an async fallback.

use breaker_runtime::Registry;

#[breaker_runtime::circuit_breaker(name = "plain", fallback = cached)]
async fn plain(number: u32) -> u32 {
    number
}

fn cached(number: u32) -> u32 {
    number + 1
}

#[breaker_runtime::circuit_breaker(name = "deferred", fallback = |_| async move { number + 2 })]
async fn deferred(number: u32) -> u32 {
    number
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    assert_eq!((plain(1).await, deferred(1).await), (1, 1));
    for name in ["plain", "deferred"] {
        Registry::global().get(name).unwrap().force_open();
    }
    assert_eq!((plain(1).await, deferred(1).await), (2, 3));
}
