//! The small functions that circuit breakers protect, and the loop that calls them.

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use breaker_runtime::BreakerError;

pub(crate) type WorkResult = Result<u64, WorkFailed>;

/// Fails if `number` is a multiple of `period`.
pub(crate) fn work_or_fail(period: u64, number: u64) -> WorkResult {
    if number.is_multiple_of(period) { Err(WorkFailed) } else { work(number) }
}

/// An error without content, so that copying it costs nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkFailed;

impl From<BreakerError> for WorkFailed {
    fn from(_: BreakerError) -> Self {
        Self
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it represents a function that can fail")]
#[inline(never)]
pub(crate) fn work(number: u64) -> WorkResult {
    Ok(black_box(number).wrapping_mul(31) ^ 7)
}

pub(crate) async fn work_async(number: u64) -> WorkResult {
    std::future::ready(work(number)).await
}

/// Fails like [`work_or_fail`].
pub(crate) async fn work_or_fail_async(period: u64, number: u64) -> WorkResult {
    std::future::ready(work_or_fail(period, number)).await
}

pub(crate) fn repeat(calls: u64, mut call: impl FnMut(u64)) {
    for number in 0..calls {
        call(black_box(number));
    }
}

pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("the function is ready at the first poll"),
    }
}
