//! Functions that share a policy: sync with other keys on top, async, and with a fallback that may need clones.

use breaker_runtime::{BreakerError, Config, ConfigBuilder};

const DATABASE: ConfigBuilder = Config::builder().failure_threshold(3);

#[breaker_runtime::circuit_breaker(name = "sync", config = DATABASE, window = 100, failure_rate = 0.5)]
fn now() -> Result<u32, BreakerError> {
    Ok(1)
}

#[breaker_runtime::circuit_breaker(name = "async", config = DATABASE)]
async fn later() -> Result<u32, BreakerError> {
    Ok(1)
}

#[breaker_runtime::circuit_breaker(name = "owned", config = DATABASE, fallback = |_| row)]
async fn owned(row: String) -> String {
    row
}

#[breaker_runtime::circuit_breaker(name = "exclusive", config = DATABASE, max_wait = "0s", fallback = |_| *row)]
async fn exclusive(row: &mut u32) -> u32 {
    *row
}

fn main() {
    assert_eq!(now().unwrap(), 1);
    drop((later(), owned(String::new()), exclusive(&mut 1)));
}
