use breaker_runtime::{BreakerError, Config, ConfigBuilder, circuit_breaker};

fn computed() -> ConfigBuilder {
    Config::builder()
}

#[circuit_breaker(config = computed())]
fn not_const() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = settings)]
fn argument(settings: ConfigBuilder) -> Result<u32, BreakerError> {
    drop(settings);
    Ok(1)
}

fn main() {}
