//! The states of an async call that few calls have: it waits for a bulkhead slot, has a time limit, was
//! rejected, or has ended. What they need is boxed, so that the futures of other calls stay small.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::admission::{Admission, AdmitResult, Call};
use super::circuit::{Circuit, Rejection};
use super::permit::Permit;
use crate::clock::Sleep;
use crate::error::ErrorKind;

/// An async call that is not simply running.
#[derive(Debug)]
pub(super) enum SpecialCall<'a> {
    Ended,
    /// The fast path has not admitted the call.
    Undecided(&'a Circuit),
    /// The caller has not received the rejection yet.
    Rejected(Rejection<'a>),
    /// The call has not started to wait.
    MustWait(Box<Permit<'a>>),
    // Boxed twice, because a reference to a trait object would make every future larger.
    Waiting(Box<Waiting<'a>>),
    /// The call is running and has a time limit.
    Limited(Pin<Box<Limited<'a>>>),
    /// The call has reached its time limit. It is recorded, and its slot released, after its future was
    /// dropped.
    TimedOut(Pin<Box<Limited<'a>>>),
}

/// The future of a call that waits for a bulkhead slot. A trait object, so that the compiler need not look
/// into it to prove that a future is `Send`.
pub(super) struct Waiting<'a>(Pin<Box<dyn Future<Output = AdmitResult<'a>> + Send + Sync + 'a>>);

pin_project! {
    /// A running call with a time limit.
    #[derive(Debug)]
    pub(super) struct Limited<'a> {
        admission: Admission<'a>,
        #[pin]
        sleep: Sleep,
    }
}

impl<'a> SpecialCall<'a> {
    /// Returns a running call with a time limit. Panics outside a tokio runtime with timers enabled; the call
    /// then counts as ignored.
    pub(super) fn limited(admission: Admission<'a>, limit: Duration) -> Self {
        let circuit = admission.circuit();
        let guard = Permit::waiting(admission);
        let sleep = circuit.clock.alarm(limit).unwrap_or(Sleep::Never);
        Self::Limited(Box::pin(Limited { admission: guard.into_admission(), sleep }))
    }

    /// Returns `true` if the body of the call may be polled.
    pub(super) const fn is_running(&self) -> bool {
        match self {
            Self::Limited(_) => true,
            Self::Ended
            | Self::Undecided(_)
            | Self::Rejected(_)
            | Self::MustWait(_)
            | Self::Waiting(_)
            | Self::TimedOut(_) => false,
        }
    }

    /// Returns the call, if it is running.
    pub(super) fn running_call(&mut self) -> Option<&mut Call<'a>> {
        match self {
            Self::Limited(limited) => Some(&mut limited.as_mut().project().admission.0),
            Self::Ended
            | Self::Undecided(_)
            | Self::Rejected(_)
            | Self::MustWait(_)
            | Self::Waiting(_)
            | Self::TimedOut(_) => None,
        }
    }

    /// Waits for the bulkhead slot of a call that must wait, and returns its admission or rejection. Returns
    /// `None` for any other call.
    pub(super) fn poll_slot(&mut self, context: &mut Context<'_>) -> Poll<Option<AdmitResult<'a>>> {
        if let Self::MustWait(_) = self
            && let Self::MustWait(permit) = self.replace_with_ended()
        {
            let circuit = permit.circuit();
            *self = Self::Waiting(Box::new(Waiting(Box::pin(circuit.wait_async(*permit)))));
        }
        match self {
            Self::Waiting(waiting) => Poll::Ready(Some(ready!(waiting.0.as_mut().poll(context)))),
            Self::Ended
            | Self::Undecided(_)
            | Self::Rejected(_)
            | Self::MustWait(_)
            | Self::Limited(_)
            | Self::TimedOut(_) => Poll::Ready(None),
        }
    }

    /// Returns the rejection of a call that has reached its time limit.
    #[cold]
    #[inline(never)]
    pub(super) fn poll_limit(&mut self, context: &mut Context<'_>) -> Poll<Rejection<'a>> {
        let Self::Limited(limited) = self else {
            return Poll::Pending;
        };
        ready!(limited.as_mut().project().sleep.poll(context));
        let circuit = limited.admission.circuit();
        if let Self::Limited(limited) = self.replace_with_ended() {
            *self = Self::TimedOut(limited);
        }
        Poll::Ready(Rejection { circuit, kind: ErrorKind::TimedOut })
    }

    /// Returns the rejection of a rejected call, once.
    pub(super) fn take_rejection(&mut self) -> Option<Rejection<'a>> {
        let Self::Rejected(rejected) = self else {
            return None;
        };
        let rejected = *rejected;
        *self = Self::Ended;
        Some(rejected)
    }

    /// Removes the time limit of a running call, and returns its admission. Rejects a call that must wait.
    /// Reports this once for each circuit, until its settings change.
    pub(super) fn remove_limit(&mut self) -> Option<Admission<'a>> {
        if let Self::MustWait(_) = self
            && let Self::MustWait(permit) = self.replace_with_ended()
        {
            let Admission(Call { circuit, ticket, .. }) = permit.into_admission();
            circuit.report_inapplicable("max_wait");
            *self = Self::Rejected(circuit.reject_full(ticket));
        }
        let admission = self.take()?;
        admission.circuit().report_inapplicable("call_timeout");
        Some(admission)
    }

    /// Ends the call and returns its admission, if it was running.
    #[cold]
    #[inline(never)]
    pub(super) fn take(&mut self) -> Option<Admission<'a>> {
        let Self::Limited(limited) = self else {
            return None;
        };
        let call = limited.admission.0;
        *self = Self::Ended;
        Some(Admission(call))
    }

    /// Settles the call if it was running. The permit of a waiting call settles itself.
    #[inline]
    pub(super) fn cancel(&mut self) {
        match self {
            Self::Ended | Self::Undecided(_) | Self::Rejected(_) | Self::MustWait(_) | Self::Waiting(_) => {}
            Self::Limited(limited) => Admission(limited.admission.0).cancelled(),
            Self::TimedOut(limited) => Admission(limited.admission.0).time_out(),
        }
    }

    fn replace_with_ended(&mut self) -> Self {
        std::mem::replace(self, Self::Ended)
    }
}

impl fmt::Debug for Waiting<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Waiting").finish_non_exhaustive()
    }
}
