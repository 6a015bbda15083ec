//! Waiting for a future until a moment, on a blocked thread or in async code.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{Thread, current, park, park_timeout};
use std::time::Duration;

use pin_project_lite::pin_project;
#[cfg(feature = "tokio")]
use tokio::task::coop::Unconstrained;
use tokio::task::coop::unconstrained;

use super::{Clock, Moment};

pin_project! {
    /// A future with a time limit. It completes with the output of the inner future, or with `None` when the limit
    /// is reached first. The inner future is dropped together with this one.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Timeout<F> {
        #[pin]
        future: F,
        #[pin]
        limit: Sleep,
    }
}

pin_project! {
    /// A future that completes at a moment, or never.
    #[project = SleepProjection]
    pub(crate) enum Sleep {
        Never,
        Mock { #[pin] sleep: MockTimer },
        Tokio { #[pin] sleep: TokioTimer },
    }
}

#[cfg(feature = "test-util")]
type MockTimer = super::mock::MockSleep;
#[cfg(not(feature = "test-util"))]
type MockTimer = std::future::Pending<()>;

// Unconstrained, so that the limit also ends a call whose task has used up its cooperative budget.
#[cfg(feature = "tokio")]
type TokioTimer = Unconstrained<tokio::time::Sleep>;
#[cfg(not(feature = "tokio"))]
type TokioTimer = std::future::Pending<()>;

/// A waker that unparks a thread.
struct ThreadWaker(Thread);

/// `true` if async code can wait on the system's clock.
pub(crate) const HAS_ASYNC_TIMER: bool = cfg!(feature = "tokio");

impl Clock {
    /// Returns a future that completes after `wait`. Returns `None` without the feature `tokio`, unless this
    /// is a mock clock or the wait never ends.
    #[cfg_attr(
        feature = "tokio",
        expect(clippy::unnecessary_wraps, reason = "without the feature `tokio` it may return `None`")
    )]
    pub(crate) fn alarm(&self, wait: Duration) -> Option<Sleep> {
        let until = self.now().after(wait);
        if until == Moment::NEVER {
            return Some(Sleep::Never);
        }
        #[cfg(feature = "test-util")]
        if let Some(mock) = &self.mock {
            return Some(Sleep::Mock { sleep: mock.sleep(until) });
        }
        #[cfg(feature = "tokio")]
        return Some(Sleep::Tokio { sleep: unconstrained(tokio::time::sleep(wait)) });
        #[cfg(not(feature = "tokio"))]
        None
    }

    /// Blocks this thread until `future` completes, for at most `wait`.
    pub(crate) fn block_for<F: Future>(&self, wait: Duration, future: F) -> Option<F::Output> {
        let until = self.now_while_blocked().after(wait);
        let waker = Waker::from(Arc::new(ThreadWaker(current())));
        let mut context = Context::from_waker(&waker);
        // Unconstrained, because a task without cooperative budget would yield, and a blocked thread never resumes it.
        let mut future = pin!(unconstrained(future));
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Some(output);
            }
            let left = until.wait_from(self.now_while_blocked());
            if left == Some(Duration::ZERO) {
                return None;
            }
            #[cfg(feature = "test-util")]
            if let Some(mock) = &self.mock {
                let sleep = pin!(mock.sleep(until));
                if sleep.poll(&mut context).is_pending() {
                    park();
                }
                continue;
            }
            left.map_or_else(park, park_timeout);
        }
    }
}

impl<F> Timeout<F> {
    #[inline]
    pub(crate) const fn new(future: F, limit: Sleep) -> Self {
        Self { future, limit }
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Option<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(context) {
            return Poll::Ready(Some(output));
        }
        this.limit.poll(context).map(|()| None)
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.project() {
            SleepProjection::Never => Poll::Pending,
            SleepProjection::Mock { sleep: mock } => mock.poll(context),
            SleepProjection::Tokio { sleep } => sleep.poll(context),
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sleep").finish_non_exhaustive()
    }
}

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
