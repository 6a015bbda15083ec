//! The timers of an async call that waits for a bulkhead slot: one ends the wait, the other one wakes the call for its
//! next check.
//!
//! A call keeps the timer of its deadline while the moments of its checks change. So the deadline also holds while the
//! call is polled outside of the runtime in which it began, where no new timer can be created.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::clock::{Clock, Moment, Sleep};
use crate::sync::catch_panic;

pin_project! {
    /// The timers of a waiting call.
    pub(super) struct WaitTimers {
        #[pin]
        deadline: Alarm,
        #[pin]
        check: Alarm,
        // Set once the call has been polled.
        has_begun: bool,
    }
}

pin_project! {
    struct Alarm {
        #[pin]
        timer: Sleep,
        at: Moment,
    }
}

/// The moments that a waiting call waits for.
#[derive(Clone, Copy)]
pub(super) struct WaitEnds {
    /// The end of the wait, or [`Moment::NEVER`].
    pub(super) deadline: Moment,
    /// The next check, which is not after the deadline.
    pub(super) check: Moment,
}

/// There is no timer for a deadline: neither the feature `tokio` nor a mock clock.
pub(super) struct NoTimer;

impl WaitTimers {
    pub(super) const fn new() -> Self {
        Self { deadline: Alarm::NEVER, check: Alarm::NEVER, has_begun: false }
    }

    /// Sets both timers for a call that waits. If the runtime in which the call began has shut down, the call waits
    /// without new timers from then on.
    ///
    /// # Panics
    ///
    /// Panics if the wait has a deadline and begins outside of a runtime with timers.
    pub(super) fn set(self: Pin<&mut Self>, clock: &Clock, ends: WaitEnds) -> Result<(), NoTimer> {
        let mut this = self.project();
        let WaitEnds { deadline, check } = ends;
        let has_begun = std::mem::replace(this.has_begun, true);
        let required =
            |wait| if has_begun && !clock.has_timers() { Some(Sleep::Never) } else { clock.alarm(wait) };
        this.deadline.as_mut().set_at(deadline, clock, required)?;
        if check == deadline {
            this.check.set_at(Moment::NEVER, clock, required)
        } else if deadline == Moment::NEVER {
            // The call can do without this timer.
            let optional = |wait| Some(clock.alarm_if_possible(wait).unwrap_or(Sleep::Never));
            this.check.set_at(check, clock, optional)
        } else {
            this.check.set_at(check, clock, required)
        }
    }

    /// Drops both timers. They may keep the last reference to a waker, whose drop may panic: that must not affect a call
    /// that has been admitted.
    pub(super) fn clear(self: Pin<&mut Self>) {
        let this = self.project();
        for mut alarm in [this.deadline, this.check] {
            catch_panic(|| alarm.set(Alarm::NEVER));
        }
    }

    /// Polls both timers. The one that completes is set again by the next [`set`](Self::set).
    pub(super) fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.deadline.poll(context).is_ready() { Poll::Ready(()) } else { this.check.poll(context) }
    }
}

impl Alarm {
    const NEVER: Self = Self { timer: Sleep::Never, at: Moment::NEVER };

    /// Sets the alarm to a moment, with a new timer if it was set to another one.
    fn set_at(
        self: Pin<&mut Self>,
        at: Moment,
        clock: &Clock,
        timer: impl FnOnce(Duration) -> Option<Sleep>,
    ) -> Result<(), NoTimer> {
        let mut this = self.project();
        if *this.at != at {
            this.timer.set(match at.wait_from(clock.now()) {
                Some(wait) => timer(wait).ok_or(NoTimer)?,
                None => Sleep::Never,
            });
            *this.at = at;
        }
        Ok(())
    }

    /// Polls the timer, and clears the alarm when the timer completes.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        ready!(this.timer.as_mut().poll(context));
        this.timer.set(Sleep::Never);
        *this.at = Moment::NEVER;
        Poll::Ready(())
    }
}
