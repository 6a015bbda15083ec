use breaker_runtime::{BreakerError, circuit_breaker};

use breaker_runtime::Mode;

#[circuit_breaker(mode = Mode::Shadow)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
