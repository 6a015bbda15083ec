//! Functions and fallbacks that never return.

#![deny(warnings)]
#![allow(clippy::unused_async, reason = "the tests are about the shapes of functions")]

use std::future::Future;

use breaker_runtime::{BreakerError, Registry, circuit_breaker};

/// Unwinds instead of ending the process, so that a test can observe it.
fn stop() -> ! {
    std::panic::panic_any("stopped")
}

/// Work of an endless loop.
fn work() {
    stop()
}

async fn stop_later() -> ! {
    stop()
}

#[circuit_breaker(name = "never/sync closure", fallback = |_| std::panic::panic_any("stopped"))]
fn sync_closure() -> ! {
    stop()
}

#[circuit_breaker(name = "never/sync path", fallback = stop)]
fn sync_path() -> ! {
    stop()
}

#[circuit_breaker(name = "never/closure", fallback = |_| std::panic::panic_any("stopped"))]
async fn closure() -> ! {
    stop()
}

#[circuit_breaker(name = "never/declared", fallback = |_| -> ! { stop() })]
async fn declared() -> ! {
    stop()
}

#[circuit_breaker(name = "never/future", fallback = stop_later)]
async fn future() -> ! {
    stop()
}

#[circuit_breaker(name = "never/value", fallback = |_| -> ! { stop() })]
async fn value() -> u32 {
    1
}

#[circuit_breaker(name = "never/result", fallback = |_| std::panic::resume_unwind(Box::new("stopped")))]
async fn result() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(name = "never/branches", fallback = |error| if error.key().is_some() {
    Ok(2)
} else {
    match error.retry_after() {
        Some(_) => unreachable!("forced open"),
        None => panic!("stopped"),
    }
})]
async fn branches() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(name = "never/loop", fallback = |_| loop {
    work();
})]
async fn endless() -> u32 {
    1
}

#[circuit_breaker(name = "never/exit", fallback = |_| {
    drop(code);
    std::process::exit(1);
})]
async fn exits(code: String) -> usize {
    code.len()
}

#[circuit_breaker(name = "never/on failure", fallback = |_| -> ! { stop() }, fallback_on = failure)]
async fn on_failure(fail: bool) -> anyhow::Result<u32> {
    anyhow::ensure!(!fail);
    Ok(1)
}

/// Returns `true` if the future ends with a panic.
async fn panics(future: impl Future<Output: Send> + Send + 'static) -> bool {
    tokio::spawn(future).await.is_err_and(|error| error.is_panic())
}

#[tokio::test]
async fn a_fallback_of_an_async_function_may_never_return() {
    assert_eq!((value().await, result().await.unwrap(), branches().await.unwrap()), (1, 1, 1));
    assert_eq!((endless().await, exits("tea".to_owned()).await, on_failure(false).await.unwrap()), (1, 3, 1));
    for name in ["value", "result", "branches", "loop"] {
        Registry::global().get(&format!("never/{name}")).unwrap().force_open();
    }
    assert!(panics(value()).await && panics(result()).await && panics(branches()).await);
    assert!(panics(endless()).await && panics(on_failure(true)).await);
}

#[tokio::test]
async fn a_function_that_never_returns_may_have_any_fallback_that_never_returns() {
    assert!(panics(closure()).await && panics(declared()).await && panics(future()).await);
    assert!(std::panic::catch_unwind(|| sync_closure()).is_err());
    assert!(std::panic::catch_unwind(|| sync_path()).is_err());
    for name in ["sync closure", "sync path", "closure", "declared", "future"] {
        let breaker = Registry::global().get(&format!("never/{name}")).unwrap();
        assert_eq!(breaker.snapshot().totals.failures, 1, "{name}");
        breaker.force_open();
    }
    assert!(panics(closure()).await && panics(declared()).await && panics(future()).await);
    assert!(std::panic::catch_unwind(|| sync_closure()).is_err());
    assert!(std::panic::catch_unwind(|| sync_path()).is_err());
}
