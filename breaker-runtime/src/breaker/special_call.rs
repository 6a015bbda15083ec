//! The wait or the time limit of an async call, boxed so that the futures of other calls stay small.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::admission::AdmitResult;
use super::circuit::Circuit;
use super::gate::DelayEnd;
use super::stamp::Stamp;
use crate::clock::{Moment, Sleep};

pin_project! {
    /// The part of an async call that is not simply running.
    #[project = SpecialCallProjection]
    pub(super) enum SpecialCall<'a> {
        Waiting { wait: BoxedSlotWait<'a> },
        /// The call is running, and has a time limit or is tapped.
        Limited { #[pin] limit: Sleep, first_poll_ended: Option<Moment> },
        /// A drill delays the call before it runs.
        Delayed { #[pin] timer: Sleep, call: DelayedCall },
        /// The call has reached its time limit. It had this stamp.
        TimedOut { stamp: Stamp },
    }
}

/// A call that a drill delays, before it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct DelayedCall {
    /// The stamp that the call will have.
    pub(super) stamp: Stamp,
    pub(super) end: DelayEnd,
    pub(super) counted: Counted,
}

/// The mark of a call whose delay has been counted: at its first poll, because it may be removed before.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counted {
    No,
    Yes,
}

/// The future of a call that waits for a bulkhead slot. A trait object, so that the compiler need not look
/// into it to prove that a future is `Send`.
type BoxedSlotWait<'a> = Pin<Box<dyn Future<Output = AdmitResult<'a>> + Send + Sync + 'a>>;

impl<'a> SpecialCall<'a> {
    /// Polls the wait of a call that waits for a slot. Other calls stay pending.
    pub(super) fn poll_slot(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<AdmitResult<'a>> {
        match self.project() {
            SpecialCallProjection::Waiting { wait } => wait.as_mut().poll(context),
            SpecialCallProjection::Limited { .. }
            | SpecialCallProjection::Delayed { .. }
            | SpecialCallProjection::TimedOut { .. } => Poll::Pending,
        }
    }

    /// Polls the time limit of a call. Calls without one stay pending.
    pub(super) fn poll_limit(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.project() {
            SpecialCallProjection::Limited { limit, .. } => limit.poll(context),
            SpecialCallProjection::Waiting { .. }
            | SpecialCallProjection::Delayed { .. }
            | SpecialCallProjection::TimedOut { .. } => Poll::Pending,
        }
    }

    /// Polls the delay of a call, and counts it at the first poll. Other calls stay pending.
    pub(super) fn poll_delay(self: Pin<&mut Self>, circuit: &Circuit, context: &mut Context<'_>) -> Poll<()> {
        match self.project() {
            SpecialCallProjection::Delayed { timer, call } => {
                match std::mem::replace(&mut call.counted, Counted::Yes) {
                    Counted::No => circuit.count_delay(),
                    Counted::Yes => {}
                }
                timer.poll(context)
            }
            SpecialCallProjection::Waiting { .. }
            | SpecialCallProjection::Limited { .. }
            | SpecialCallProjection::TimedOut { .. } => Poll::Pending,
        }
    }

    /// Stores the end of the first poll of a running call.
    pub(super) fn set_first_poll_ended(self: Pin<&mut Self>, ended: Moment) {
        match self.project() {
            SpecialCallProjection::Limited { first_poll_ended, .. } => *first_poll_ended = Some(ended),
            SpecialCallProjection::Waiting { .. }
            | SpecialCallProjection::Delayed { .. }
            | SpecialCallProjection::TimedOut { .. } => {}
        }
    }

    /// Returns the end of the first poll, if it was stored.
    pub(super) const fn first_poll_ended(&self) -> Option<Moment> {
        match self {
            Self::Limited { first_poll_ended, .. } => *first_poll_ended,
            Self::Waiting { .. } | Self::Delayed { .. } | Self::TimedOut { .. } => None,
        }
    }

    /// Returns the call, if it is delayed.
    pub(super) const fn delayed(&self) -> Option<DelayedCall> {
        match self {
            Self::Delayed { call, .. } => Some(*call),
            Self::Waiting { .. } | Self::Limited { .. } | Self::TimedOut { .. } => None,
        }
    }
}

impl fmt::Debug for SpecialCall<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Waiting { .. } => "Waiting",
            Self::Limited { .. } => "Limited",
            Self::Delayed { .. } => "Delayed",
            Self::TimedOut { .. } => "TimedOut",
        })
    }
}
