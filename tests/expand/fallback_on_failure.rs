//! A fallback that also runs after failed calls. It is written once, and receives clones of the arguments.

use breaker_runtime::{BreakerError, CallError};

#[breaker_runtime::circuit_breaker(name = "charge", fallback = cached, fallback_on = failure)]
fn charge(order: String, note: &str) -> Result<String, BreakerError> {
    drop(order);
    Ok(note.to_owned())
}

fn cached(order: String, note: &str) -> Result<String, BreakerError> {
    Ok(order + note)
}

#[breaker_runtime::circuit_breaker(
    name = "stock",
    failure_if = Option::is_none,
    fallback = |error| match error {
        CallError::Failed(none) => none,
        CallError::Breaker(_) => Some(0),
    },
    fallback_on = failure
)]
async fn stock(sku: String) -> Option<usize> {
    Some(sku.len())
}

fn main() {
    assert_eq!(charge("tea".to_owned(), "now").unwrap(), "now");
    drop(stock("tea".to_owned()));
}
