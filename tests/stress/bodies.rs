//! The body of every async call is dropped once, however the call ends. The body owns memory, so that a sanitizer
//! finds a body that is dropped twice or used after its drop.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breaker_runtime::{BreakerError, Config, circuit_breaker};

use super::{breaker, run_threads};

/// A body that is pending for some polls and then ends.
struct Body<'a> {
    pending_polls: Box<u8>,
    panics: bool,
    drops: &'a AtomicU64,
}

impl Future for Body<'_> {
    type Output = Result<u8, BreakerError>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        if *self.pending_polls > 0 {
            *self.pending_polls -= 1;
            return Poll::Pending;
        }
        if self.panics {
            std::panic::resume_unwind(Box::new("the body panics"));
        }
        Poll::Ready(Ok(0))
    }
}

impl Drop for Body<'_> {
    fn drop(&mut self) {
        // Reads the memory of the body.
        self.drops.fetch_add(u64::from(*self.pending_polls < 4), Ordering::Relaxed);
    }
}

#[circuit_breaker(breaker = breaker)]
async fn annotated(breaker: &breaker_runtime::CircuitBreaker, body: Body<'_>) -> Result<u8, BreakerError> {
    body.await
}

#[circuit_breaker(breaker = breaker, fallback = |_| Ok(number))]
async fn with_fallback(
    breaker: &breaker_runtime::CircuitBreaker,
    number: u8,
    body: Body<'_>,
) -> Result<u8, BreakerError> {
    body.await.map(|found| found + number)
}

#[test]
fn every_body_is_dropped_once_however_its_call_ends() {
    let settings = Config::builder()
        .failure_threshold(3)
        .recovery_timeout(Duration::from_millis(5))
        .max_concurrent(5)
        .max_wait(Duration::from_millis(3))
        .call_timeout(Duration::from_millis(2));
    let (clock, breaker) = breaker(settings);
    let drops = AtomicU64::new(0);
    let made = run_threads(
        |mut random, _| {
            let mut made = 0_u64;
            for _ in 0..3000 {
                let body = Body {
                    pending_polls: Box::new(random.u8(..4)),
                    panics: random.u8(..10) == 0,
                    drops: &drops,
                };
                made += 1;
                let mut call: Pin<Box<dyn Future<Output = Result<u8, BreakerError>> + Send>> =
                    match random.u8(..3) {
                        0 => Box::pin(breaker.call_async(body)),
                        1 => Box::pin(annotated(&breaker, body)),
                        _ => Box::pin(with_fallback(&breaker, 1, body)),
                    };
                // A call that is polled too seldom is cancelled.
                for _ in 0..random.u8(..6) {
                    if random.bool() {
                        clock.advance(Duration::from_millis(1));
                    }
                    let mut context = Context::from_waker(Waker::noop());
                    let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(&mut context)));
                    if !matches!(polled, Ok(Poll::Pending)) {
                        break;
                    }
                }
            }
            made
        },
        |_| {},
    );
    assert_eq!(drops.load(Ordering::Relaxed), made.into_iter().sum::<u64>());
    assert_eq!(breaker.snapshot().calls_in_flight, Some(0));
    let totals = breaker.snapshot().totals;
    assert!(
        totals.successes > 0 && totals.failures > 0 && totals.timeouts > 0 && totals.ignored > 0,
        "a way to end never occurred: {totals:?}"
    );
}
