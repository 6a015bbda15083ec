use std::pin::Pin;

use breaker_runtime::{BreakerError, circuit_breaker};

#[circuit_breaker(name = "payment")]
fn price() -> impl Future<Output = Result<u32, BreakerError>> {
    async { Ok(1) }
}

#[circuit_breaker(name = "order")]
fn order() -> Pin<Box<dyn Future<Output = Result<u32, BreakerError>> + Send>> {
    Box::pin(async { Ok(1) })
}

// The code before the box would run before the circuit admits the call.
#[circuit_breaker(name = "later")]
fn later() -> Pin<Box<dyn Future<Output = Result<u32, BreakerError>> + Send>> {
    let number = 1;
    Box::pin(async move { Ok(number) })
}

fn main() {}
