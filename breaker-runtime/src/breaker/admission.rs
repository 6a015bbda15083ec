//! An admitted call that has not been recorded.

use std::sync::Arc;
use std::time::Duration;

use super::circuit::{Circuit, Rejection};
use super::failure::{FailedOutput, FailureSource};
use super::stamp::Stamp;
use crate::classifier::Classifier;
use crate::clock::Moment;
use crate::outcome::{Outcome, Settled};
use crate::state::machine::Ticket;

/// An admitted call that has not ended.
///
/// It has no `Drop`, because a guard would be stored twice in the future of every annotated async function.
/// Its owner moves it into a guard (a permit, or the future of the call) before any user code runs.
#[derive(Debug)]
#[must_use = "an admission that is not settled is never recorded"]
pub struct Admission<'a>(pub(super) Call<'a>);

/// The data of an admitted call. It can be copied out of a guard in one move, unlike the admission, which
/// exists once per call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) circuit: &'a Circuit,
    pub(super) ticket: Ticket,
    pub(super) stamp: Stamp,
}

/// The result of an admission request.
pub(crate) type AdmitResult<'a> = Result<Admission<'a>, Rejection<'a>>;

impl Call<'_> {
    /// Stores the current time as the start of the call, unless its start is known.
    pub(super) fn set_start(&mut self) {
        self.stamp = self.stamp.with_start(&self.circuit.clock);
    }

    /// Notes that the first poll of a tapped call has been pending, so that `call_timeout` can end the call. Returns the
    /// end of that poll if the cancellation of the call would be measured from there without taps.
    #[cold]
    #[inline(never)]
    pub(super) fn end_first_poll(&mut self) -> Option<Moment> {
        if self.stamp.is_limitable() {
            return None;
        }
        self.stamp = self.stamp.limitable();
        let is_measured_from_admission =
            self.stamp.is_timed() || self.ticket.trial().is_some() || self.ticket.entry().is_some();
        (!is_measured_from_admission).then(|| self.circuit.now())
    }
}

impl<'a> Admission<'a> {
    /// Puts a call that this thread runs until its end into the scope of its slot, if it has one.
    pub(super) fn scoped(mut self) -> Self {
        if self.0.stamp.enters_scope() {
            self.0.enter_scope();
        }
        self
    }

    pub(super) const fn new(circuit: &'a Circuit, ticket: Ticket, stamp: Stamp) -> Self {
        Self(Call { circuit, ticket, stamp })
    }

    pub(crate) const fn circuit(&self) -> &'a Circuit {
        self.0.circuit
    }

    /// Returns the time limit of the call, if it has one.
    pub(super) fn time_limit(&self) -> Option<Duration> {
        let Call { circuit, ticket, .. } = self.0;
        circuit.options.get().filter(|_| ticket.is_tracked())?.call_timeout()
    }

    /// Settles the call and returns `output`, which is passed by value so that it stays in registers on the
    /// fast path. `classifier` describes a failure that may change the state.
    #[inline]
    pub(super) fn settle<T, C: Classifier<T>>(self, output: T, outcome: Outcome, classifier: &C) -> T {
        if outcome == Outcome::Success
            && let Some(keeper) = classifier.keeper()
        {
            self.keep(keeper);
            return output;
        }
        let Call { circuit, ticket, stamp } = self.0;
        match outcome {
            Outcome::Success => _ = circuit.record_success(ticket, stamp),
            Outcome::Failure => return self.fail_with(output, classifier),
            Outcome::Ignored => _ = circuit.record_ignored(ticket, stamp),
        }
        output
    }

    /// Settles the call of a permit.
    pub(super) fn settle_permit(self, outcome: Outcome) -> Settled {
        let Call { circuit, ticket, stamp } = self.0;
        let settled = match outcome {
            Outcome::Success => circuit.record_success(ticket, stamp),
            Outcome::Failure => circuit.record_failure(ticket, stamp, &|| None),
            Outcome::Ignored => circuit.record_ignored(ticket, stamp),
        };
        // Shadow mode admitted a call that the circuit rejects, so its result has no effect. The word that is
        // compared with the ticket cannot tell: while a change of state is published, it equals the ticket of all
        // such calls.
        if ticket.is_shadow() { Settled::Late } else { settled }
    }

    #[cold]
    #[inline(never)]
    fn fail_with<T, C: Classifier<T>>(self, output: T, classifier: &C) -> T {
        self.fail(&FailedOutput { output: &output, classifier });
        output
    }

    pub(super) fn fail(self, failure: &dyn FailureSource) -> Settled {
        let Call { circuit, ticket, stamp } = self.0;
        circuit.record_failure(ticket, stamp, failure)
    }

    /// Settles a call whose body panicked.
    pub(super) fn panicked(self) {
        self.fail(&|| Some(Arc::from("the call panicked")));
    }

    /// Settles a call that took longer than `call_timeout`.
    pub(super) fn time_out(self) {
        let Call { circuit, ticket, stamp } = self.0;
        circuit.record_timeout(ticket, stamp);
    }

    /// Settles a call that a drill failed.
    pub(super) fn fail_injected(self) {
        let Call { circuit, ticket, stamp } = self.0;
        circuit.record_injected(ticket, stamp);
    }

    /// Settles a call that its caller cancelled.
    pub(super) fn cancelled(self) {
        let Call { circuit, ticket, stamp } = self.0;
        circuit.record_cancelled(ticket, stamp, stamp.elapsed(&circuit.clock).unwrap_or_default());
    }

    /// Settles a call that its caller cancelled, and whose first poll ended at this moment.
    pub(super) fn cancelled_since(self, first_poll_ended: Moment) {
        let Call { circuit, ticket, stamp } = self.0;
        circuit.record_cancelled(ticket, stamp, circuit.now().since(first_poll_ended));
    }
}
