use breaker_runtime::{BreakerError, CircuitBreaker, Config, ConfigBuilder, circuit_breaker};

const DATABASE: ConfigBuilder = Config::builder().failure_threshold(3);

#[circuit_breaker(breaker = breaker, config = DATABASE)]
fn price(breaker: &CircuitBreaker) -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
