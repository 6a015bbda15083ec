use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "payment")]
const fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {
    const _: Result<u32, BreakerError> = price();
}
