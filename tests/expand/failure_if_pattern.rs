//! Patterns that select failures and ignored results.

use breaker_runtime::{BreakerError, Registry};

#[derive(Debug)]
enum Fault {
    Status(u16),
    Rejected,
}

impl From<BreakerError> for Fault {
    fn from(_: BreakerError) -> Self {
        Self::Rejected
    }
}

#[breaker_runtime::circuit_breaker(
    name = "price",
    failure_if(Err(Fault::Status(code)) if *code >= 500),
    ignore_if(Ok(0) | Err(Fault::Rejected))
)]
fn price(code: u16) -> Result<u16, Fault> {
    if code < 400 { Ok(code) } else { Err(Fault::Status(code)) }
}

#[breaker_runtime::circuit_breaker(name = "found", ignore_if(None), fallback = |_| None)]
fn found(number: u32) -> Option<u32> {
    number.checked_sub(1)
}

fn main() {
    assert!(price(200).is_ok() && price(0).is_ok());
    assert!(price(404).is_err() && price(503).is_err());
    let totals = Registry::global().get("price").unwrap().snapshot().totals;
    assert_eq!((totals.successes, totals.failures, totals.ignored), (2, 1, 1));
    assert!(found(1).is_some() && found(0).is_none());
    let totals = Registry::global().get("found").unwrap().snapshot().totals;
    assert_eq!((totals.successes, totals.ignored), (1, 1));
}
