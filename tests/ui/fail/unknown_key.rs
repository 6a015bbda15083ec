use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_treshold = 3, colour = "red", shared = "local")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

// A misspelled key is one error: it does not also cause a missing `fallback` or `window`.
#[circuit_breaker(fallbak = |_| ())]
fn pay() {}

#[circuit_breaker(windw = 100, failure_rate = 0.5)]
fn order() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(timeout = "10s")]
fn send() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
