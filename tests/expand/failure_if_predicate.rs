//! A function and a closure that select failures and ignored results.

use breaker_runtime::{BreakerError, Registry};

#[breaker_runtime::circuit_breaker(name = "reply", failure_if = is_bad, ignore_if = Result::is_err)]
fn reply(text: &str) -> Result<usize, BreakerError> {
    Ok(text.len())
}

fn is_bad(reply: &Result<usize, BreakerError>) -> bool {
    matches!(reply, Ok(0))
}

#[breaker_runtime::circuit_breaker(name = "status", failure_if = |status| *status >= 500, fallback = |_| 503)]
async fn status(code: u16) -> u16 {
    code
}

fn main() {
    assert!(reply("").is_ok() && reply("hello").is_ok());
    let totals = Registry::global().get("reply").unwrap().snapshot().totals;
    assert_eq!((totals.successes, totals.failures), (1, 1));
    drop(status(500));
}
