//! Waiting until a moment, on a blocked thread or in async code.

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
#[cfg(feature = "test-util")]
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::runtime::Id as RuntimeId;
#[cfg(feature = "tokio")]
use tokio::task::coop::{Unconstrained, unconstrained};

use super::{Clock, Moment, system};
use crate::sync::blocked_thread::BlockedThread;
use crate::sync::catch_panic;

#[cfg(any(feature = "axum", feature = "redis"))]
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
        Tokio {
            #[pin]
            sleep: TokioTimer,
            until: TokioInstant,
            // Set if the caller can do without the timer: the runtime that it belongs to.
            optional_in: Option<RuntimeId>,
            // Set in a program that aborts when it panics: the runtime that the timer belongs to.
            uncaught_in: Option<RuntimeId>,
        },
    }
}

#[cfg(feature = "test-util")]
type MockTimer = super::mock::MockSleep;
#[cfg(not(feature = "test-util"))]
type MockTimer = std::future::Pending<()>;

// Unconstrained, so that the limit also ends a call whose task has used up its cooperative budget.
#[cfg(feature = "tokio")]
type TokioTimer = Unconstrained<tokio::time::Sleep>;
#[cfg(feature = "tokio")]
type TokioInstant = tokio::time::Instant;
#[cfg(not(feature = "tokio"))]
type TokioTimer = std::future::Pending<()>;
#[cfg(not(feature = "tokio"))]
type TokioInstant = ();

/// The time on a thread that blocks itself. It is the time of a clock, except that it also advances with the system's
/// clock while tokio's clock is paused, because the thread may block the runtime that would advance that one.
pub(crate) struct BlockedTime<'a> {
    clock: &'a Clock,
    start: Moment,
    system_start: Moment,
}

thread_local! {
    /// The last runtime on this thread that turned out to have no timers.
    static WITHOUT_TIMERS: Cell<Option<RuntimeId>> = const { Cell::new(None) };
}

/// `true` if async code can wait on the system's clock.
pub(crate) const HAS_ASYNC_TIMER: bool = cfg!(feature = "tokio");

impl Clock {
    /// Returns a future that completes after `wait`. Returns `None` without the feature `tokio`, unless this
    /// is a mock clock or the wait never ends.
    ///
    /// If the runtime of the timer shuts down, the future goes on in the runtime that polls it, or never completes if
    /// that one has no timers. In a program that aborts when it panics, the runtime that polls it must have timers.
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
        {
            let sleep = tokio::time::sleep(wait);
            let until = sleep.deadline();
            let uncaught_in = runtime_if_aborting();
            Some(Sleep::Tokio { sleep: unconstrained(sleep), until, optional_in: None, uncaught_in })
        }
        #[cfg(not(feature = "tokio"))]
        None
    }

    /// Returns a future that completes after `wait`, or `None` if this thread has no runtime with timers that could
    /// complete it. It completes early if that runtime shuts down.
    ///
    /// tokio has no way to find out whether a runtime has timers, except to create one, which panics if it has none.
    /// That panic is caught, once on each thread of the runtime. In a program that aborts when it panics, no timer is
    /// created.
    pub(crate) fn alarm_if_possible(&self, wait: Duration) -> Option<Sleep> {
        #[cfg(feature = "test-util")]
        if self.mock.is_some() {
            return self.alarm(wait);
        }
        #[cfg(feature = "tokio")]
        {
            let runtime = tokio::runtime::Handle::try_current().ok()?.id();
            if !cfg!(panic = "unwind") || WITHOUT_TIMERS.get() == Some(runtime) {
                return None;
            }
            let mut alarm = catch_panic(|| self.alarm(wait)).unwrap_or_else(|| {
                WITHOUT_TIMERS.set(Some(runtime));
                None
            });
            if let Some(Sleep::Tokio { optional_in, .. }) = &mut alarm {
                *optional_in = Some(runtime);
            }
            alarm
        }
        #[cfg(not(feature = "tokio"))]
        self.alarm(wait)
    }

    /// Returns a future that completes after the delay of a call, or `None` if this thread has no runtime with timers.
    /// In a program that aborts when it panics, a runtime is taken to have timers.
    pub(crate) fn delay(&self, wait: Duration) -> Option<Sleep> {
        if cfg!(panic = "unwind") {
            self.alarm_if_possible(wait)
        } else if self.has_timers() {
            self.alarm(wait)
        } else {
            None
        }
    }

    /// Returns `true` if [`alarm`](Self::alarm) does not panic on this thread. In a program that aborts when it panics,
    /// a runtime is taken to have timers.
    pub(crate) fn has_timers(&self) -> bool {
        #[cfg(feature = "test-util")]
        if self.mock.is_some() {
            return true;
        }
        if cfg!(all(feature = "tokio", panic = "unwind")) {
            self.alarm_if_possible(Duration::ZERO).is_some()
        } else {
            !HAS_ASYNC_TIMER || has_runtime()
        }
    }
}

/// Returns the runtime of this thread in a program that aborts when it panics. Such a program cannot catch the panic of
/// a timer whose runtime has shut down.
#[cfg(feature = "tokio")]
fn runtime_if_aborting() -> Option<RuntimeId> {
    if cfg!(panic = "unwind") {
        return None;
    }
    tokio::runtime::Handle::try_current().ok().map(|runtime| runtime.id())
}

#[cfg(not(feature = "tokio"))]
const fn runtime_if_aborting() -> Option<RuntimeId> {
    None
}

/// Returns `true` if this thread is in a tokio runtime.
fn has_runtime() -> bool {
    tokio::runtime::Handle::try_current().is_ok()
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

#[cfg(any(feature = "axum", feature = "redis"))]
impl<F> Timeout<F> {
    #[inline]
    pub(crate) const fn new(future: F, limit: Sleep) -> Self {
        Self { future, limit }
    }
}

#[cfg(any(feature = "axum", feature = "redis"))]
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

    #[cfg_attr(
        not(feature = "tokio"),
        expect(clippy::unit_arg, reason = "a timer has an instant only with `tokio`")
    )]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.as_mut().project() {
            SleepProjection::Never => Poll::Pending,
            SleepProjection::Mock { sleep: mock } => mock.poll(context),
            // tokio panics if the runtime of the timer has shut down.
            SleepProjection::Tokio { mut sleep, until, optional_in: None, uncaught_in } => {
                let here = runtime_if_aborting();
                if here.is_some() && here != *uncaught_in {
                    *uncaught_in = here;
                    return poll_renewed(sleep, *until, context);
                }
                let polled = catch_panic(|| sleep.as_mut().poll(context));
                let polled = polled.or_else(|| catch_panic(|| poll_renewed(sleep, *until, context)));
                polled.unwrap_or_else(|| {
                    self.set(Self::Never);
                    Poll::Pending
                })
            }
            SleepProjection::Tokio { sleep, optional_in: Some(runtime), .. } => {
                catch_panic(|| sleep.poll(context)).unwrap_or_else(|| {
                    WITHOUT_TIMERS.set(Some(*runtime));
                    Poll::Ready(())
                })
            }
        }
    }
}

/// Replaces a timer by one of the current runtime, and polls that one. Panics if there is no runtime with timers.
#[cfg(feature = "tokio")]
fn poll_renewed(mut timer: Pin<&mut TokioTimer>, until: TokioInstant, context: &mut Context<'_>) -> Poll<()> {
    timer.set(unconstrained(tokio::time::sleep_until(until)));
    timer.poll(context)
}

#[cfg(not(feature = "tokio"))]
fn poll_renewed(timer: Pin<&mut TokioTimer>, (): TokioInstant, context: &mut Context<'_>) -> Poll<()> {
    timer.poll(context)
}

impl fmt::Debug for Sleep {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sleep").finish_non_exhaustive()
    }
}
