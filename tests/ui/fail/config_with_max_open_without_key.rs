use breaker_runtime::{BreakerError, Config, ConfigBuilder, circuit_breaker};

const HOSTS: ConfigBuilder = Config::builder().max_open(0.5);

#[circuit_breaker(config = HOSTS)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
