//! A boxed future, as `#[async_trait]` generates it.

use std::pin::Pin;

use breaker_runtime::BreakerError;

type Answer = Result<u32, BreakerError>;

#[breaker_runtime::circuit_breaker(name = "boxed", fallback = |_| Ok(0))]
fn boxed<'a>(number: &'a u32) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
    Box::pin(async move { Ok(*number) })
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    assert_eq!(boxed(&1).await.unwrap(), 1);
}
