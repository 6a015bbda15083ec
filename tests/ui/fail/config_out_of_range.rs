use breaker_runtime::{BreakerError, Config, ConfigBuilder, circuit_breaker};

const NEVER_OPENS: ConfigBuilder = Config::builder().failure_threshold(0);
const TWO_WINDOWS: ConfigBuilder = Config::builder().window_calls(10).window_calls(20);

#[circuit_breaker(config = NEVER_OPENS)]
fn out_of_range() -> Result<u32, BreakerError> {
    Ok(1)
}

// A key on top does not hide the mistake.
#[circuit_breaker(config = NEVER_OPENS, failure_threshold = 5)]
fn replaced() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(config = TWO_WINDOWS)]
fn set_twice() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
