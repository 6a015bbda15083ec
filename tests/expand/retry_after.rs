//! A function and a closure that return how long a failure asks callers to wait.

use std::time::Duration;

use breaker_runtime::{BreakerError, Registry};

#[breaker_runtime::circuit_breaker(name = "quote", failure_threshold = 1, failure_if(Ok(0)), retry_after = hint)]
fn quote(text: &str) -> Result<usize, BreakerError> {
    Ok(text.len())
}

fn hint(quote: &Result<usize, BreakerError>) -> Option<Duration> {
    quote.is_ok().then_some(Duration::from_secs(120))
}

#[breaker_runtime::circuit_breaker(
    name = "status",
    failure_if = |status| *status >= 500,
    retry_after = |status| (*status == 503).then_some(wait),
    fallback = |_| 503
)]
async fn status(code: u16, wait: Duration) -> u16 {
    code
}

fn main() {
    assert!(quote("hello").is_ok() && quote("").is_ok() && quote("hello").is_err());
    let opened = Registry::global().get("quote").unwrap().snapshot().last_transition.unwrap();
    assert_eq!(opened.retry_after, Some(Duration::from_secs(120)));
    drop(status(503, Duration::ZERO));
}
