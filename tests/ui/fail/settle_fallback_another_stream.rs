use std::pin::Pin;
use std::task::{Context, Poll};

use breaker_runtime::{BreakerError, Event, Lagged, Registry, circuit_breaker};
use futures_core::Stream;

struct NoChanges;

impl Stream for NoChanges {
    type Item = Result<Event, Lagged>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}

#[circuit_breaker(settle = stream, fallback = no_changes)]
fn changes() -> Result<impl Stream<Item = Result<Event, Lagged>>, BreakerError> {
    Ok(Registry::global().subscribe())
}

fn no_changes() -> Result<NoChanges, BreakerError> {
    Ok(NoChanges)
}

#[circuit_breaker(settle = stream, fallback = |_| Ok(NoChanges))]
fn changes_or_none() -> Result<impl Stream<Item = Result<Event, Lagged>>, BreakerError> {
    Ok(Registry::global().subscribe())
}

fn main() {}
