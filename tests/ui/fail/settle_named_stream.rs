use breaker_runtime::{BreakerError, Events, Registry, circuit_breaker};

#[circuit_breaker(settle = stream)]
fn changes() -> Result<Events, BreakerError> {
    Ok(Registry::global().subscribe())
}

fn main() {}
