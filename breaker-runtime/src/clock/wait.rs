//! Waiting until a moment, on a blocked thread or in async code.

#[cfg(feature = "tokio")]
use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
#[cfg(feature = "test-util")]
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
#[cfg(feature = "tokio")]
use tokio::task::coop::{Unconstrained, unconstrained};

use super::{Clock, Moment, system};
use crate::sync::blocked_thread::BlockedThread;
#[cfg(feature = "tokio")]
use crate::sync::catch_panic;

#[cfg(feature = "axum")]
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

/// The time on a thread that blocks itself. It is the time of a clock, except that it also advances with the system's
/// clock while tokio's clock is paused, because the thread may block the runtime that would advance that one.
pub(crate) struct BlockedTime<'a> {
    clock: &'a Clock,
    start: Moment,
    system_start: Moment,
}

#[cfg(feature = "tokio")]
thread_local! {
    /// `true` once this thread has been in a runtime without timers.
    static NO_TIMERS: Cell<bool> = const { Cell::new(false) };
}

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

    /// Returns a future that completes after `wait`, or `None` if this thread has no runtime with timers that could
    /// complete it.
    ///
    /// tokio has no way to find out whether a runtime has timers, except to create one, which panics if it has none.
    /// That panic is caught, at most once on each thread. In a program that aborts when it panics, no timer is created.
    pub(crate) fn alarm_if_possible(&self, wait: Duration) -> Option<Sleep> {
        #[cfg(feature = "test-util")]
        if self.mock.is_some() {
            return self.alarm(wait);
        }
        #[cfg(feature = "tokio")]
        {
            tokio::runtime::Handle::try_current()
                .ok()
                .filter(|_| cfg!(panic = "unwind") && !NO_TIMERS.get())?;
            let alarm = catch_panic(|| self.alarm(wait));
            NO_TIMERS.set(alarm.is_none());
            alarm.flatten()
        }
        #[cfg(not(feature = "tokio"))]
        self.alarm(wait)
    }
}

impl<'a> BlockedTime<'a> {
    pub(crate) fn new(clock: &'a Clock) -> Self {
        Self { clock, start: clock.now(), system_start: Moment::from_nanos(system::precise()) }
    }

    /// Returns the current time.
    pub(crate) fn now(&self) -> Moment {
        #[cfg(feature = "test-util")]
        if self.clock.mock.is_some() {
            return self.clock.now();
        }
        let blocked = Moment::from_nanos(system::precise()).since(self.system_start);
        self.clock.now().max(self.start.after(blocked))
    }

    /// Blocks this thread until `until`, or until its waker is woken.
    pub(crate) fn block_until(&self, until: Moment, thread: &BlockedThread) {
        #[cfg(feature = "test-util")]
        if let Some(mock) = &self.clock.mock {
            let sleep = pin!(mock.sleep(until));
            if sleep.poll(&mut Context::from_waker(thread.waker())).is_pending() {
                thread.block(None);
            }
            return;
        }
        thread.block(until.wait_from(self.now()));
    }
}

#[cfg(feature = "axum")]
impl<F> Timeout<F> {
    #[inline]
    pub(crate) const fn new(future: F, limit: Sleep) -> Self {
        Self { future, limit }
    }
}

#[cfg(feature = "axum")]
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
