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
        // `None` while the body is polled, and if it panicked.
        admission: Option<Admission<'a>>,
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
        Self::Limited(Box::pin(Limited { admission: Some(guard.into_admission()), sleep }))
    }

    /// Returns `true` if the call has a time limit that it has not reached.
    pub(super) const fn is_limited(&self) -> bool {
        matches!(self, Self::Limited(_))
    }

    /// Returns the admission of a call that is running, or that has timed out and not been recorded.
    pub(super) fn admission(&mut self) -> Option<&mut Admission<'a>> {
        match self {
            Self::Limited(limited) | Self::TimedOut(limited) => limited.as_mut().project().admission.as_mut(),
            Self::Ended | Self::Undecided(_) | Self::Rejected(_) | Self::MustWait(_) | Self::Waiting(_) => {
                None
            }
        }
    }

    /// Takes the admission of a running call out of it, until the body has been polled.
    pub(super) fn take_admission(&mut self) -> Option<Admission<'a>> {
        let Self::Limited(limited) = self else {
            return None;
        };
        limited.as_mut().project().admission.take()
    }

    /// Puts back the admission of a call whose body is pending.
    pub(super) fn put_admission(&mut self, admission: Admission<'a>) {
        if let Self::Limited(limited) = self {
            *limited.as_mut().project().admission = Some(admission);
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
    pub(super) fn poll_limit(&mut self, context: &mut Context<'_>) -> Option<Rejection<'a>> {
        let Self::Limited(limited) = self else {
            return None;
        };
        if limited.as_mut().project().sleep.poll(context).is_pending() {
            return None;
        }
        let circuit = limited.admission.as_ref()?.circuit();
        if let Self::Limited(limited) = self.replace_with_ended() {
            *self = Self::TimedOut(limited);
        }
        Some(Rejection { circuit, kind: ErrorKind::TimedOut })
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
    fn take(&mut self) -> Option<Admission<'a>> {
        let admission = self.take_admission()?;
        *self = Self::Ended;
        Some(admission)
    }

    /// Settles the call if it was running. The permit of a waiting call settles itself.
    pub(super) fn cancel(self) {
        match self {
            Self::Ended | Self::Undecided(_) | Self::Rejected(_) | Self::MustWait(_) | Self::Waiting(_) => {}
            Self::Limited(mut limited) => {
                if let Some(admission) = limited.as_mut().project().admission.take() {
                    admission.cancelled();
                }
            }
            Self::TimedOut(mut limited) => {
                if let Some(admission) = limited.as_mut().project().admission.take() {
                    admission.time_out();
                }
            }
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
