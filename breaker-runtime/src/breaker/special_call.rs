//! The wait or the time limit of an async call, boxed so that the futures of other calls stay small.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::admission::AdmitResult;
use super::stamp::Stamp;
use crate::clock::Sleep;

pin_project! {
    /// The part of an async call that is not simply running.
    #[project = SpecialCallProjection]
    pub(super) enum SpecialCall<'a> {
        Waiting { wait: BoxedSlotWait<'a> },
        /// The call is running and has a time limit.
        Limited { #[pin] limit: Sleep },
        /// The call has reached its time limit. It had this stamp.
        TimedOut { stamp: Stamp },
    }
}

/// The future of a call that waits for a bulkhead slot. A trait object, so that the compiler need not look
/// into it to prove that a future is `Send`.
type BoxedSlotWait<'a> = Pin<Box<dyn Future<Output = AdmitResult<'a>> + Send + Sync + 'a>>;

impl<'a> SpecialCall<'a> {
    /// Polls the wait of a call that waits for a slot. Other calls stay pending.
    pub(super) fn poll_slot(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<AdmitResult<'a>> {
        match self.project() {
            SpecialCallProjection::Waiting { wait } => wait.as_mut().poll(context),
            SpecialCallProjection::Limited { .. } | SpecialCallProjection::TimedOut { .. } => Poll::Pending,
        }
    }

    /// Polls the time limit of a call. Calls without one stay pending.
    pub(super) fn poll_limit(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.project() {
            SpecialCallProjection::Limited { limit } => limit.poll(context),
            SpecialCallProjection::Waiting { .. } | SpecialCallProjection::TimedOut { .. } => Poll::Pending,
        }
    }
}

impl fmt::Debug for SpecialCall<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Waiting { .. } => "Waiting",
            Self::Limited { .. } => "Limited",
            Self::TimedOut { .. } => "TimedOut",
        })
    }
}
