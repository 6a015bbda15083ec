use breaker_runtime::{BreakerError, Config, circuit_breaker};

const BUILT: Config = match Config::builder().build() {
    Ok(config) => config,
    Err(_) => panic!(),
};

#[circuit_breaker(config = "database")]
fn text() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = BUILT)]
fn built() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
