//! Calls that may wait for a slot: sync, async, keyed, and with a wait of zero.

use breaker_runtime::BreakerError;

#[breaker_runtime::circuit_breaker(name = "sync", max_concurrent = 2, max_wait = "1s")]
fn now() -> Result<u32, BreakerError> {
    Ok(1)
}

#[breaker_runtime::circuit_breaker(name = "async", max_concurrent = 2, max_wait = "1s")]
async fn later() -> Result<u32, BreakerError> {
    Ok(1)
}

#[breaker_runtime::circuit_breaker(name = "keyed", max_concurrent = 2, max_wait = "1s", key = tenant)]
async fn each(tenant: u32) -> Result<u32, BreakerError> {
    Ok(tenant)
}

#[breaker_runtime::circuit_breaker(name = "never", max_concurrent = 2, max_wait = "0s")]
async fn never() -> Result<u32, BreakerError> {
    Ok(4)
}

fn main() {
    assert_eq!(now().unwrap(), 1);
    drop((later(), each(1), never()));
}
