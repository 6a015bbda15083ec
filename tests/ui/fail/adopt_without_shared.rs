use breaker_runtime::{Adopt, BreakerError, Config, ConfigBuilder, circuit_breaker};

#[circuit_breaker(adopt = "always")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(shared = "local", adopt = "always")]
fn order() -> Result<u32, BreakerError> {
    Ok(1)
}

const STRICT: ConfigBuilder = Config::builder().adopt(Adopt::Always);

#[circuit_breaker(config = STRICT)]
fn send() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
