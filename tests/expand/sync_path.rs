//! A function with settings, and the path of a fallback that takes the same arguments.

use std::time::Duration;

use breaker_runtime::{BreakerError, Registry};

const WAIT: Duration = Duration::from_secs(5);

#[breaker_runtime::circuit_breaker(name = "payment", failure_threshold = 5, recovery_timeout = WAIT, fallback = cached)]
pub fn charge(order: String, mut times: u32) -> Result<String, BreakerError> {
    times += 1;
    Ok(format!("{order} x {times}"))
}

fn cached(order: String, times: u32) -> Result<String, BreakerError> {
    Ok(format!("{order} cached {times}"))
}

fn main() {
    assert_eq!(charge("tea".into(), 1).unwrap(), "tea x 2");
    Registry::global().get("payment").unwrap().force_open();
    assert_eq!(charge("tea".into(), 1).unwrap(), "tea cached 1");
}
