//! A call between its two halves: admitted, and not yet recorded.

use std::sync::Arc;

use super::circuit::Circuit;
use super::permit::Permit;
use super::record::FailureText;
use super::stamp::Stamp;
use crate::outcome::Outcome;
use crate::state::machine::Ticket;

/// A call that was admitted and has not ended.
///
/// It has no `Drop`: as a guard it would be stored twice in the future of every annotated async function. Its
/// owner puts it under a guard ([`Permit`], or the future of the call) before any user code runs.
#[derive(Debug)]
#[must_use = "an admission that is not settled is never recorded"]
pub struct Admission<'a> {
    pub(crate) circuit: &'a Circuit,
    pub(super) ticket: Ticket,
    pub(super) stamp: Stamp,
}

impl Admission<'_> {
    /// Runs `body` to its end and settles the call by what `classify` returns. `failure_text` is called only
    /// if a failure changes the state.
    #[inline]
    pub(crate) fn run<T>(
        self,
        body: impl FnOnce() -> T,
        classify: impl FnOnce(&T) -> Outcome,
        failure_text: impl Fn(&T) -> Option<Arc<str>>,
    ) -> T {
        let permit = Permit::running(self);
        let output = body();
        let outcome = classify(&output);
        permit.into_admission().settle(output, outcome, failure_text)
    }

    /// Settles the call and returns `output`, which is passed by value so that it stays in registers on the
    /// fast path.
    #[inline]
    pub(super) fn settle<T>(
        self,
        output: T,
        outcome: Outcome,
        failure_text: impl Fn(&T) -> Option<Arc<str>>,
    ) -> T {
        match outcome {
            Outcome::Success => self.circuit.record_success(self.ticket, self.stamp),
            Outcome::Failure => return self.fail_with(output, failure_text),
            Outcome::Ignored => self.ignore(),
        }
        output
    }

    #[cold]
    #[inline(never)]
    fn fail_with<T>(self, output: T, failure_text: impl Fn(&T) -> Option<Arc<str>>) -> T {
        self.fail(&|| failure_text(&output));
        output
    }

    pub(super) fn fail(self, text: FailureText<'_>) {
        self.circuit.record_failure(self.ticket, self.stamp, text);
    }

    /// Settles a call whose body panicked.
    pub(super) fn panicked(self) {
        self.fail(&|| Some(Arc::from("it panicked")));
    }

    /// Settles a call that took longer than `call_timeout`.
    pub(super) fn time_out(self) {
        self.circuit.record_timeout(self.ticket, self.stamp);
    }

    pub(super) fn ignore(self) {
        self.circuit.record_ignored(self.ticket, self.stamp);
    }
}
