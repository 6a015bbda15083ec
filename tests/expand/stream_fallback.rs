//! An async function whose fallback uses an argument and returns another stream.

use std::pin::Pin;

use breaker_runtime::{BreakerError, Event, Lagged, Registry};
use futures_core::Stream;

type Changes = Pin<Box<dyn Stream<Item = Result<Event, Lagged>> + Send>>;

#[breaker_runtime::circuit_breaker(name = "remote", settle = stream, fallback = local)]
async fn remote(registry: Registry) -> Result<Changes, BreakerError> {
    Ok(Box::pin(registry.subscribe()))
}

async fn local(registry: Registry) -> Result<Changes, BreakerError> {
    Ok(Box::pin(registry.subscribe()))
}

fn main() {
    let registry = Registry::global();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    drop(runtime.block_on(remote(registry.clone())).ok().unwrap());
    assert_eq!(registry.get("remote").unwrap().snapshot().totals.ignored, 1);
    registry.get("remote").unwrap().force_open();
    drop(runtime.block_on(remote(registry.clone())).ok().unwrap());
    assert_eq!(registry.get("remote").unwrap().snapshot().totals.fallbacks.successes, 1);
}
