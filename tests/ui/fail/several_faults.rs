use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "", failure_threshold = 0, recovery_timeout = "1 year", oops, fallback = cached)]
const fn price(_: u32) -> Result<u32, BreakerError> {
    Ok(1)
}

// The function is still there: calling it is no second error.
fn main() {
    let _ = price(1);
}
