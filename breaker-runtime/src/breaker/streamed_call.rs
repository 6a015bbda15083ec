//! A call whose result arrives in parts: a stream, or the body of a response.
//!
//! The time of the call is the time for which its caller waits for a part. While the caller handles a part, the
//! dependency owes nothing, so that time is not part of the duration, does not let the call hang, and does not make a
//! dropped call a failure. This module does not know what the parts are.
//!
//! Invariants: the call is settled at most once; it is not watched while its caller does not wait.

use std::fmt::{self, Display};
use std::task::Poll;

use super::admission::Admission;
use super::failure::FailedOutput;
use super::owned_permit::{OwnedCall, OwnedPermit};
use crate::classifier::Classifier;
use crate::clock::{Moment, Start};
use crate::failure_text::failure_text;
use crate::outcome::Outcome;

/// A call whose result arrives in parts. Its owner calls [`poll`](Self::poll) for each part, and settles it.
///
/// A call that is dropped while its caller waits for a part is a cancelled call: it is a failure if that wait took at
/// least `cancelled_after`. If it is dropped while the caller handles a part, it is ignored.
pub(crate) struct StreamedCall {
    /// `None` once the call has been settled.
    call: Option<OwnedCall>,
    wait: Wait,
}

/// What the caller does.
#[derive(Clone, Copy, Debug)]
enum Wait {
    /// It has not asked for a part, or handles one.
    No { since: Option<Start> },
    /// It has waited for the next part since this moment.
    Since(Moment),
}

impl StreamedCall {
    /// Continues the call of a permit. Until a [`poll`](Self::poll) is pending, its caller does not wait.
    pub(crate) fn new(permit: OwnedPermit) -> Self {
        let mut call = Self { call: Some(permit.into_owned_call()), wait: Wait::No { since: None } };
        call.pause();
        call
    }

    /// Polls for the next part. A panic of `poll` settles the call as a failure and continues to unwind.
    pub(crate) fn poll<T>(&mut self, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        let guard = FailOnPanic(self);
        let part = poll();
        std::mem::forget(guard);
        match (&part, self.wait) {
            (Poll::Pending, Wait::No { since }) => self.resume(since),
            (Poll::Ready(_), Wait::Since(_)) => self.pause(),
            (Poll::Pending, Wait::Since(_)) | (Poll::Ready(_), Wait::No { .. }) => {}
        }
        part
    }

    /// Returns `true` once the call has been settled.
    pub(crate) const fn is_settled(&self) -> bool {
        self.call.is_none()
    }

    /// Settles the call, unless it has been settled.
    pub(crate) fn settle(&mut self, outcome: Outcome) {
        if let Some(OwnedCall { circuit, ticket, stamp }) = self.take() {
            Admission::new(&circuit, ticket, stamp).settle_permit(outcome);
        }
    }

    /// Settles the call as a failure with a reason, unless it has been settled.
    pub(crate) fn fail(&mut self, reason: impl Display) {
        if let Some(OwnedCall { circuit, ticket, stamp }) = self.take() {
            Admission::new(&circuit, ticket, stamp).fail(&|| Some(failure_text(&reason)));
        }
    }

    /// Settles the call as a failure that `classifier` describes, unless it has been settled.
    pub(crate) fn fail_with<T, C: Classifier<T>>(&mut self, part: &T, classifier: &C) {
        if let Some(OwnedCall { circuit, ticket, stamp }) = self.take() {
            Admission::new(&circuit, ticket, stamp).fail(&FailedOutput { output: part, classifier });
        }
    }

    /// Notes that the caller waits for a part from now on. It has not waited since this start.
    fn resume(&mut self, since: Option<Start>) {
        let Some(call) = &mut self.call else {
            return;
        };
        let now = call.circuit.now();
        call.ticket = call.circuit.resume_watch(call.ticket, now);
        call.exclude(since);
        self.wait = Wait::Since(now);
    }

    /// Notes that the caller does not wait any more.
    fn pause(&mut self) {
        let Some(call) = &mut self.call else {
            return;
        };
        call.ticket = call.circuit.pause_watch(call.ticket);
        // The duration of a trial call stays whole, because it is compared with its lease.
        let is_timed = call.stamp.start().is_some() && call.ticket.trial().is_none();
        self.wait = Wait::No { since: is_timed.then(|| call.circuit.clock.start()) };
    }

    /// Takes the call, which ends now.
    fn take(&mut self) -> Option<OwnedCall> {
        let mut call = self.call.take()?;
        if let Wait::No { since } = self.wait {
            call.exclude(since);
        }
        Some(call)
    }
}

impl OwnedCall {
    /// Excludes the time since then from the duration of the call.
    fn exclude(&mut self, since: Option<Start>) {
        if let Some(since) = since {
            self.stamp = self.stamp.without(since, self.circuit.clock.start());
        }
    }
}

impl Drop for StreamedCall {
    fn drop(&mut self) {
        let Some(OwnedCall { circuit, ticket, stamp }) = self.take() else {
            return;
        };
        match self.wait {
            Wait::No { .. } => {
                circuit.record_ignored(ticket, stamp);
            }
            Wait::Since(since) => {
                let waited = circuit.now().since(since);
                circuit.record_given_up(ticket, stamp, waited, || {
                    format!(
                        "the caller cancelled the call after it had waited {waited:.1?} for the next part"
                    )
                });
            }
        }
    }
}

impl fmt::Debug for StreamedCall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.call {
            Some(OwnedCall { circuit, ticket, .. }) => {
                circuit.write_permit("StreamedCall", ticket.trial().is_some(), out)
            }
            None => out.write_str("StreamedCall(settled)"),
        }
    }
}

/// Settles a call whose poll panics.
struct FailOnPanic<'a>(&'a mut StreamedCall);

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        if let Some(OwnedCall { circuit, ticket, stamp }) = self.0.take() {
            Admission::new(&circuit, ticket, stamp).panicked();
        }
    }
}
