use breaker_runtime::{BreakerError, Sharing, circuit_breaker};

#[circuit_breaker(shared = "majority")]
fn price() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(shared = Sharing::Quorum)]
fn order() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(shared = true)]
fn send() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(shared = "quorum", adopt = "never")]
fn pay() -> Result<u32, BreakerError> {
    Ok(1)
}

fn main() {
    let _ = Sharing::Quorum;
}
