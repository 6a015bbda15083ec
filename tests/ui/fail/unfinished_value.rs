use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(failure_threshold = 3, key = host.)]
fn price(host: &str) -> Result<usize, BreakerError> {
    Ok(host.len())
}

#[circuit_breaker(failure_threshold = 3, fallback = |_|)]
fn rate() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
