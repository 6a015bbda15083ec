use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "payment", failure_if(Err(_)), name = "order", failure_if = Result::is_err)]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {}
