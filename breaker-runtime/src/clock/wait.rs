//! Waiting for something until a moment: with this thread, or in async code.

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
    /// A future that has until a moment. What it gives, or nothing if the time is over; the future itself
    /// is then dropped with this one.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Timeout<F> {
        #[pin]
        future: F,
        #[pin]
        alarm: Sleep,
    }
}

pin_project! {
    /// Ends at a moment; whoever waits for never waits for ever.
    #[project = Ringing]
    pub(crate) enum Sleep {
        Never,
        ByHand { #[pin] sleep: ByHand },
        Tokio { #[pin] sleep: Tokio },
    }
}

#[cfg(feature = "test-util")]
type ByHand = super::hand::MockSleep;
#[cfg(not(feature = "test-util"))]
type ByHand = std::future::Pending<()>;
// Not part of the budget of the task that waits: a call that has used it up must not outlive its time.
#[cfg(feature = "tokio")]
type Tokio = Unconstrained<tokio::time::Sleep>;
#[cfg(not(feature = "tokio"))]
type Tokio = std::future::Pending<()>;

struct Unpark(Thread);

/// Whether async code can wait for a moment on the system's clock.
pub(crate) const HAS_ASYNC_TIMER: bool = cfg!(feature = "tokio");

impl Clock {
    /// An alarm after `wait`. None without the feature `tokio`, unless a test moves this clock.
    #[cfg_attr(feature = "tokio", expect(clippy::unnecessary_wraps, reason = "without tokio there is none"))]
    pub(crate) fn alarm(&self, wait: Duration) -> Option<Sleep> {
        let until = self.now().after(wait);
        if until == Moment::NEVER {
            return Some(Sleep::Never);
        }
        #[cfg(feature = "test-util")]
        if let Some(sleep) = self.sleep_by_hand(until) {
            return Some(Sleep::ByHand { sleep });
        }
        #[cfg(feature = "tokio")]
        return Some(Sleep::Tokio { sleep: unconstrained(tokio::time::sleep(wait)) });
        #[cfg(not(feature = "tokio"))]
        None
    }

    /// Gives `future` so long, blocking this thread.
    pub(crate) fn block_for<F: Future>(&self, wait: Duration, future: F) -> Option<F::Output> {
        let until = self.now_while_blocked().after(wait);
        let waker = Waker::from(Arc::new(Unpark(current())));
        let mut context = Context::from_waker(&waker);
        // A task that has used up its budget is made to wait for a turn that never comes on a blocked thread.
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
            if let Some(advanced) = self.sleep_by_hand(until) {
                let mut advanced = pin!(advanced);
                if advanced.as_mut().poll(&mut context).is_pending() {
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
    pub(crate) const fn new(future: F, alarm: Sleep) -> Self {
        Self { future, alarm }
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
        this.alarm.poll(context).map(|()| None)
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.project() {
            Ringing::Never => Poll::Pending,
            Ringing::ByHand { sleep: by_hand } => by_hand.poll(context),
            Ringing::Tokio { sleep } => sleep.poll(context),
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sleep").finish_non_exhaustive()
    }
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
