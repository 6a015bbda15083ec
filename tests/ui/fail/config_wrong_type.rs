use breaker_runtime::{BreakerError, Config, circuit_breaker};

#[circuit_breaker(config = "database")]
fn text() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config(Config::builder()))]
fn parentheses() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = Config::builder(), max_keys = 5, fallback_on = failure)]
fn other_requirements() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
