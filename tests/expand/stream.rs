//! A stream that settles its call when it ends.

use std::pin::Pin;

use breaker_runtime::{BreakerError, Event, Lagged, Registry};
use futures_core::Stream;

#[breaker_runtime::circuit_breaker(name = "changes", settle = stream)]
async fn changes(registry: &Registry) -> Result<impl Stream<Item = Result<Event, Lagged>> + use<>, BreakerError> {
    Ok(registry.subscribe())
}

#[breaker_runtime::circuit_breaker(name = "boxed", settle = stream, fallback = |error| Err(error))]
fn boxed(
    registry: &Registry,
) -> Result<Pin<Box<dyn Stream<Item = Result<Event, Lagged>> + Send>>, BreakerError> {
    Ok(Box::pin(registry.subscribe()))
}

#[breaker_runtime::circuit_breaker(name = "returned", settle = return)]
fn returned(registry: &Registry) -> Result<impl Stream<Item = Result<Event, Lagged>> + use<>, BreakerError> {
    Ok(registry.subscribe())
}

fn main() {
    let registry = Registry::global();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    drop(runtime.block_on(changes(&registry)).ok().unwrap());
    drop(boxed(&registry).ok().unwrap());
    drop(returned(&registry).ok().unwrap());
    let counts = ["changes", "boxed", "returned"].map(|name| {
        let totals = registry.get(name).unwrap().snapshot().totals;
        [totals.successes, totals.ignored]
    });
    assert_eq!(counts, [[0, 1], [0, 1], [1, 0]]);
}
