//! The second half of every call: recording its result in the totals, the rules and the state.
//!
//! A success without an effect ends in [`Circuit::record_success`]. Every other result takes three steps:
//! [`Circuit::trip_reason`] records it in the window and evaluates the rules, the machine changes the state,
//! and [`Circuit::notify_if`] notifies listeners.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::circuit::Circuit;
use super::stamp::Stamp;
use crate::outcome::{Completion, Outcome};
use crate::state::machine::Ticket;
use crate::state::{Details, TrialCall};
use crate::sync::Ordering;
use crate::totals::{Rare, Total};
use crate::window::{TripReason, trip_by_run};

/// Returns the text of a failure. It is called only if the failure changes the state.
pub(super) type LazyText<'t> = &'t dyn Fn() -> Option<Arc<str>>;

impl Circuit {
    /// Records a success.
    #[inline]
    pub(super) fn record_success(&self, ticket: Ticket, stamp: Stamp) {
        self.counters.add(Total::Successes);
        if !self.machine.is_unchanged(ticket) {
            self.record_success_with_effect(ticket, stamp);
        }
    }

    /// Records a success that may have an effect: in the window, on a run of failures, or as a trial call.
    #[inline(never)]
    fn record_success_with_effect(&self, ticket: Ticket, stamp: Stamp) {
        let is_slow = self.release(ticket, stamp);
        if !is_slow && self.machine.reset_run(ticket) {
            self.record_success_in_window(ticket);
        } else if is_slow || ticket.trial().is_some() {
            self.record(ticket, stamp, Completion { outcome: Outcome::Success, is_slow }, &|| None);
        }
    }

    /// Records a failure.
    #[inline(never)]
    pub(super) fn record_failure(&self, ticket: Ticket, stamp: Stamp, text: LazyText<'_>) {
        let is_slow = self.release(ticket, stamp);
        self.counters.add(Total::Failures);
        self.record(ticket, stamp, Completion { outcome: Outcome::Failure, is_slow }, text);
    }

    /// Records a call that `call_timeout` stopped. The rules count it as a failure.
    pub(super) fn record_timeout(&self, ticket: Ticket, stamp: Stamp) {
        let is_slow = self.release(ticket, stamp);
        self.counters.add(Total::Rare(Rare::Timeouts));
        self.record(ticket, stamp, Completion { outcome: Outcome::Failure, is_slow }, &|| {
            Some(Arc::from("the call took longer than call_timeout"))
        });
    }

    /// Records a call that its caller cancelled. It is a failure if it had run for `cancelled_after`,
    /// otherwise it is ignored.
    #[cold]
    #[inline(never)]
    pub(super) fn record_cancelled(&self, ticket: Ticket, stamp: Stamp) {
        match stamp.elapsed(&self.clock) {
            Some(ran) if ran >= self.config().cancelled_after() => {
                self.record_failure(ticket, stamp, &|| {
                    Some(Arc::from(format!("the caller cancelled the call after {ran:.1?}")))
                });
            }
            Some(_) | None => self.record_ignored(ticket, stamp),
        }
    }

    /// Records an ignored call, and releases the slot of a trial call.
    #[inline(never)]
    pub(super) fn record_ignored(&self, ticket: Ticket, stamp: Stamp) {
        self.release_slot(ticket, stamp);
        self.counters.add(Total::Rare(Rare::Ignored));
        self.abandon_trial(ticket);
    }

    /// Releases the slot of a trial call that does not count.
    pub(super) fn abandon_trial(&self, ticket: Ticket) {
        if ticket.trial().is_some() {
            let completion = Completion { outcome: Outcome::Ignored, is_slow: false };
            self.record(ticket, Stamp::NONE, completion, &|| None);
        }
    }

    /// Counts a fallback that returned.
    #[inline]
    pub(crate) fn count_fallback(&self, outcome: Outcome) {
        self.counters.add(match outcome {
            Outcome::Success | Outcome::Ignored => Total::Fallbacks,
            Outcome::Failure => Total::Rare(Rare::FailedFallbacks),
        });
    }

    /// Records a trial call, a failure or a slow call: window and rules, then the state, then listeners.
    #[inline]
    fn record(&self, ticket: Ticket, stamp: Stamp, completion: Completion, text: LazyText<'_>) {
        if let Some(trial) = ticket.trial() {
            let ran = stamp.elapsed(&self.clock).unwrap_or_default();
            self.settle_trial(trial.after(ran), completion, text);
        } else if let Some(trip) = self.trip_reason(ticket, completion) {
            self.trip(ticket, trip, last_failure(completion, text));
        }
    }

    #[cold]
    fn settle_trial(&self, trial: TrialCall, completion: Completion, text: LazyText<'_>) {
        let details = Details { last_failure: last_failure(completion, text), ..Details::default() };
        self.notify_if(self.machine.settle_trial(trial, completion, details, &self.clock));
    }

    #[cold]
    fn trip(&self, ticket: Ticket, trip: TripReason, last_failure: Option<Arc<str>>) {
        let details = Details { trip: Some(trip), last_failure, initiator: None };
        self.notify_if(self.machine.trip(ticket, details, &self.clock));
    }

    /// Records a failure or a slow call in the run and in the window. Returns the reason to open, if the call
    /// still counts and a threshold is reached.
    #[inline]
    fn trip_reason(&self, ticket: Ticket, completion: Completion) -> Option<TripReason> {
        let threshold = NonZeroU32::new(self.run_threshold.load(Ordering::Relaxed));
        let run = if completion.is_failure() {
            self.machine.extend_run(ticket, threshold)?
        } else if self.machine.reset_run(ticket) {
            0
        } else {
            return None;
        };
        self.note_fault();
        let by_run = trip_by_run(threshold, run);
        let Some(options) = self.options.get() else {
            return by_run;
        };
        let by_window = options.record_fault(ticket.generation(), completion, &self.clock);
        self.resume_recording(options, ticket.generation());
        by_run.or(by_window)
    }

    /// Releases the bulkhead slot and records the duration. Returns `true` if the call was slow.
    #[inline]
    fn release(&self, ticket: Ticket, stamp: Stamp) -> bool {
        !stamp.is_none() && self.release_stamped(ticket, stamp)
    }

    #[inline(never)]
    fn release_stamped(&self, ticket: Ticket, stamp: Stamp) -> bool {
        self.release_slot(ticket, stamp);
        match (self.options.get(), stamp.start()) {
            (Some(options), Some(start)) => options.record_duration(self.clock.nanos_since(start)),
            (_, None) | (None, _) => false,
        }
    }

    #[inline]
    fn release_slot(&self, ticket: Ticket, stamp: Stamp) {
        if stamp.is_in_scope() {
            self.leave_scope();
        }
        if stamp.is_in_bulkhead()
            && let Some(options) = self.options.get()
        {
            options.release_slot(&self.clock);
        }
        if let Some(entry) = ticket.entry() {
            self.end_watch(ticket, entry);
        }
    }
}

/// Returns the text of a failed call. The text comes from a user's `Display`, which may panic, and
/// the call must still be settled.
#[cold]
fn last_failure(completion: Completion, text: LazyText<'_>) -> Option<Arc<str>> {
    if !completion.is_failure() {
        return None;
    }
    match catch_unwind(AssertUnwindSafe(text)) {
        Ok(text) => text,
        Err(payload) => {
            // Dropping the payload could panic as well.
            std::mem::forget(payload);
            Some(Arc::from("(formatting the failure panicked)"))
        }
    }
}
