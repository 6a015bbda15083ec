use breaker_runtime::{Event, Lagged, Registry, circuit_breaker};
use futures_core::Stream;

#[circuit_breaker(settle = stream, fallback = |_| Registry::global().subscribe())]
fn changes() -> impl Stream<Item = Result<Event, Lagged>> {
    Registry::global().subscribe()
}

#[circuit_breaker(settle = stream, fallback = |_| ())]
fn nothing() {}

#[circuit_breaker(settle = stream, fallback = |_| None)]
fn option() -> Option<impl Stream<Item = Result<Event, Lagged>>> {
    Some(Registry::global().subscribe())
}

fn main() {}
