use std::pin::Pin;
use std::task::{Context, Poll};

use breaker_runtime::{BreakerError, circuit_breaker};
use futures_core::Stream;

struct Numbers;

impl Stream for Numbers {
    type Item = u8;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u8>> {
        Poll::Ready(None)
    }
}

#[circuit_breaker(settle = stream)]
fn numbers() -> Result<impl Stream<Item = u8>, BreakerError> {
    Ok(Numbers)
}

fn main() {}
