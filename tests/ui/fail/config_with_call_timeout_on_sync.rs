use std::time::Duration;

use breaker_runtime::{BreakerError, Config, ConfigBuilder, circuit_breaker};

const REMOTE: ConfigBuilder = Config::builder().call_timeout(Duration::from_secs(2));

#[circuit_breaker(config = REMOTE)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
