use breaker_runtime::{BreakerError, Config, ConfigBuilder, circuit_breaker};

const BUILT: Config = match Config::builder().build() {
    Ok(config) => config,
    Err(_) => panic!(),
};

static SHARED: ConfigBuilder = Config::builder();

fn computed() -> ConfigBuilder {
    Config::builder()
}

#[circuit_breaker(config = BUILT)]
fn of_another_type() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = SHARED)]
fn a_static() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = computed())]
fn not_const() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = MISSING)]
fn not_found() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
