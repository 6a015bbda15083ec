use breaker_runtime::{BreakerError, Mode, circuit_breaker};

#[circuit_breaker(mode = "shade")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(mode = Mode::Shadow)]
fn order() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {
    let _ = Mode::Shadow;
}
