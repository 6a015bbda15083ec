//! The second half of every call: recording its result in the totals, the rules and the state.
//!
//! A success without an effect ends in [`Circuit::record_success`]. Every other result takes three steps:
//! [`Circuit::record`] records it in the window and evaluates the rules, the machine changes the state,
//! and [`Circuit::notify_if`] notifies listeners.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::bulkhead::UnfinishedRelease;
use super::circuit::Circuit;
use super::failure::{FailureDetails, FailureSource};
use super::options::CircuitOptions;
use super::stamp::{Stamp, StampedEnd};
use super::tap::CallEnd;
use crate::event::{FallbackCause, call_listeners_exist};
use crate::outcome::{Completion, Outcome, Settled};
use crate::state::machine::{Pending, Ticket, TrialEffect};
use crate::state::{Details, HungCall, TrialCall};
use crate::sync::Ordering;
use crate::totals::{Rare, Total};
use crate::window::{TripReason, WindowSpec, trip_by_run};

impl Circuit {
    /// Records a success.
    #[inline]
    pub(super) fn record_success(&self, ticket: Ticket, stamp: Stamp) -> Settled {
        if self.record_plain_success(ticket) {
            return Settled::Counted;
        }
        self.record_success_with_effect(ticket, stamp)
    }

    /// Counts a success. Returns `true` if it has no other effect.
    #[inline]
    pub(super) fn record_plain_success(&self, ticket: Ticket) -> bool {
        self.counters.add(Total::Successes);
        self.machine.is_unchanged(ticket)
    }

    /// Records a success that may have an effect: in the window, on a run of failures, or as a trial call.
    #[cold]
    #[inline(never)]
    pub(super) fn record_success_with_effect(&self, ticket: Ticket, stamp: Stamp) -> Settled {
        // Everything that needs a stack frame is called last, so that this function needs none.
        if stamp.is_plain() {
            if !self.machine.is_recording(ticket) {
                return self.record_success_otherwise(ticket, stamp);
            }
            let Some(options) = self.options.get() else {
                return self.record_success_otherwise(ticket, Stamp::NONE);
            };
            if let Some(spec) = options.window().time_spec() {
                return self.record_success_in_time(ticket, options, spec);
            }
            if !options.window().try_record_success(ticket.generation()) {
                self.record_success_in_window(ticket, options);
            }
            return Settled::Counted;
        }
        if stamp == Stamp::IN_BULKHEAD_AND_SCOPE
            && let Some(options) = self.options.get()
            && self.leave_as_only_call()
        {
            if let Some(released) = options.start_release() {
                return self.record_success_after_release(released, ticket);
            }
            if self.machine.is_clean_for(ticket) {
                return Settled::Counted;
            }
            return self.record_success_otherwise(ticket, Stamp::NONE);
        }
        self.record_success_otherwise(ticket, stamp)
    }

    /// Records a success whose bulkhead slot has been released and may have to be offered to a waiting call.
    #[cold]
    #[inline(never)]
    fn record_success_after_release(&self, released: UnfinishedRelease<'_>, ticket: Ticket) -> Settled {
        released.finish(&self.clock);
        self.record_success_otherwise(ticket, Stamp::NONE)
    }

    /// Records a success in a time-based window.
    // Not inlined, so that count-based windows do not need its stack frame.
    #[inline(never)]
    fn record_success_in_time(&self, ticket: Ticket, options: &CircuitOptions, spec: WindowSpec) -> Settled {
        if !options.window().try_record_success_in_time(ticket.generation(), spec, &self.clock) {
            self.record_success_in_window(ticket, options);
        }
        Settled::Counted
    }

    /// Releases the slot of a success, and records it as a slow call, as a trial call or in the window.
    #[inline(never)]
    fn record_success_otherwise(&self, ticket: Ticket, stamp: Stamp) -> Settled {
        let mut is_slow = false;
        if !stamp.is_none() {
            is_slow = self.release_stamped(ticket, stamp, stamp.ended_by(CallEnd::Success));
            if !is_slow && self.machine.is_clean_for(ticket) {
                return Settled::Counted;
            }
        }
        if !is_slow && self.machine.reset_run(ticket) {
            if let Some(options) = self.options.get() {
                self.record_success_in_window(ticket, options);
            }
            Settled::Counted
        } else if is_slow || ticket.trial().is_some() {
            self.record_fault_or_trial(
                ticket,
                stamp,
                Completion { outcome: Outcome::Success, is_slow },
                &|| None,
            )
        } else {
            self.machine.settled(ticket)
        }
    }

    /// Records a failure.
    #[inline(never)]
    pub(super) fn record_failure(
        &self,
        ticket: Ticket,
        stamp: Stamp,
        failure: &dyn FailureSource,
    ) -> Settled {
        let is_slow = self.release(ticket, stamp, CallEnd::Failure);
        self.counters.add(Total::Failures);
        self.record_fault_or_trial(ticket, stamp, Completion { outcome: Outcome::Failure, is_slow }, failure)
    }

    /// Records a call that `call_timeout` stopped. The rules count it as a failure.
    pub(super) fn record_timeout(&self, ticket: Ticket, stamp: Stamp) {
        let is_slow = self.release(ticket, stamp, CallEnd::TimedOut);
        self.counters.add(Total::Rare(Rare::Timeouts));
        self.record_fault_or_trial(ticket, stamp, Completion { outcome: Outcome::Failure, is_slow }, &|| {
            Some(Arc::from("the call took longer than call_timeout"))
        });
    }

    /// Records a call that a drill failed. The rules count it as a failure.
    #[cold]
    #[inline(never)]
    pub(super) fn record_injected(&self, ticket: Ticket, stamp: Stamp) {
        let is_slow = self.release(ticket, stamp, CallEnd::Failure);
        self.counters.add(Total::Rare(Rare::Injected));
        self.record_fault_or_trial(ticket, stamp, Completion { outcome: Outcome::Failure, is_slow }, &|| {
            Some(Arc::from("injected by a drill"))
        });
    }

    /// Records a call that its caller cancelled after this time. It is a failure if that is at least
    /// `cancelled_after`, otherwise it is ignored.
    #[cold]
    #[inline(never)]
    pub(super) fn record_cancelled(&self, ticket: Ticket, stamp: Stamp, ran: Duration) {
        self.record_given_up(ticket, stamp, ran, || format!("the caller cancelled the call after {ran:.1?}"));
    }

    /// Records a call whose caller has waited for this long and no longer does. It is a failure if that is at least
    /// `cancelled_after`, otherwise it is ignored.
    pub(super) fn record_given_up(
        &self,
        ticket: Ticket,
        stamp: Stamp,
        waited: Duration,
        text: impl Fn() -> String,
    ) {
        let stamp = if stamp.is_tapped() { self.tap_given_up(stamp, waited) } else { stamp };
        if waited >= self.config().cancelled_after() {
            self.counters.add(Total::Rare(Rare::FailedCancellations));
            let is_slow = self.release(ticket, stamp, CallEnd::Cancelled);
            self.counters.add(Total::Failures);
            let completion = Completion { outcome: Outcome::Failure, is_slow };
            self.record_fault_or_trial(ticket, stamp, completion, &|| Some(Arc::from(text())));
        } else {
            self.counters.add(Total::Rare(Rare::IgnoredCancellations));
            self.record_ignored(ticket, stamp);
        }
    }

    /// Records an ignored call, and releases the slot of a trial call.
    #[inline(never)]
    pub(super) fn record_ignored(&self, ticket: Ticket, stamp: Stamp) -> Settled {
        self.release_slot(ticket, stamp);
        if stamp.is_tapped() {
            let duration = stamp.elapsed(&self.clock).unwrap_or_default();
            self.tap_ended(stamp, CallEnd::Ignored, duration);
        }
        self.counters.add(Total::Rare(Rare::Ignored));
        self.abandon_trial(ticket)
    }

    /// Releases the slot of a trial call that does not count.
    pub(super) fn abandon_trial(&self, ticket: Ticket) -> Settled {
        if ticket.trial().is_none() {
            return self.machine.settled(ticket);
        }
        let completion = Completion { outcome: Outcome::Ignored, is_slow: false };
        self.record(ticket, Stamp::NONE, completion, &|| None)
    }

    /// Counts a fallback that returned.
    #[inline]
    pub(crate) fn count_fallback(&self, cause: FallbackCause, outcome: Outcome) {
        self.counters.add(match outcome {
            Outcome::Success | Outcome::Ignored => Total::Fallbacks,
            Outcome::Failure => Total::Rare(Rare::FailedFallbacks),
        });
        self.report_fallback(cause, outcome);
    }

    /// Records a trial call, a failure or a slow call, and reports it if a listener of calls exists.
    #[inline]
    pub(super) fn record_fault_or_trial(
        &self,
        ticket: Ticket,
        stamp: Stamp,
        completion: Completion,
        failure: &dyn FailureSource,
    ) -> Settled {
        if call_listeners_exist() {
            return self.record_and_report(ticket, stamp, completion, failure);
        }
        self.record(ticket, stamp, completion, failure)
    }

    /// Records a trial call, a failure or a slow call: window and rules, then the state, then listeners.
    #[inline]
    pub(super) fn record(
        &self,
        ticket: Ticket,
        stamp: Stamp,
        completion: Completion,
        failure: &dyn FailureSource,
    ) -> Settled {
        if let Some(trial) = ticket.trial() {
            let ran = stamp.elapsed(&self.clock).unwrap_or_default();
            return self.settle_trial(trial.after(ran), completion, FailureDetails::of(completion, failure));
        }
        let threshold = NonZeroU32::new(self.run_threshold.load(Ordering::Relaxed));
        let Some(run) = self.record_in_run(ticket, completion, threshold) else {
            return self.machine.settled(ticket);
        };
        let by_run = trip_by_run(threshold, run);
        if let Some(trip) = by_run.or(self.record_in_window(ticket, completion)) {
            return self.trip(ticket, trip, FailureDetails::of(completion, failure));
        }
        Settled::Counted
    }

    #[cold]
    fn settle_trial(&self, trial: TrialCall, completion: Completion, failure: FailureDetails) -> Settled {
        let FailureDetails { text, retry_after, panic } = failure;
        let details = Details { last_failure: text, retry_after, ..Details::default() };
        // A late success extends the leases only of a circuit that is open, so a call that hung comes first.
        let hung = self.open_if_hung();
        let TrialEffect { settled, pending } =
            self.machine.settle_trial(trial, completion, details, &self.clock);
        let pending = hung.or(pending);
        self.notify_if(pending);
        if pending == Pending::Nothing && settled == Settled::Counted {
            // The circuit is still half-open, and a trial slot is free.
            self.record_fault_or_trial_time();
            self.announce_waiving(self.update_open_slot());
        }
        if let Some(panic) = panic {
            panic.resume();
        }
        settled
    }

    /// Opens the circuit because of this failure, unless another call hung before. The end of a watched call has
    /// noticed that already, but not the end of a call that began before `hang` was set.
    #[cold]
    fn trip(&self, ticket: Ticket, trip: TripReason, failure: FailureDetails) -> Settled {
        let FailureDetails { text, retry_after, panic } = failure;
        let details = Details { trip: Some(trip), last_failure: text, retry_after, initiator: None };
        let mut settled = Settled::Counted;
        let is_of_call = |hung: &HungCall| hung.generation == ticket.generation();
        let pending = self.change_after_hang(|hung| {
            let hung = || {
                hung().inspect(|hung| {
                    if is_of_call(hung) {
                        settled = Settled::Late;
                    }
                })
            };
            self.machine.trip(ticket, details, &self.clock, hung)
        });
        self.notify_if(pending);
        if let Some(panic) = panic {
            panic.resume();
        }
        settled
    }

    /// Records a failure or a slow call in the run, and returns its length. Returns `None` if the call no longer
    /// counts.
    #[inline]
    fn record_in_run(
        &self,
        ticket: Ticket,
        completion: Completion,
        threshold: Option<NonZeroU32>,
    ) -> Option<u32> {
        if completion.is_failure() {
            self.machine.extend_run(ticket, threshold)
        } else {
            self.machine.reset_run(ticket).then_some(0)
        }
    }

    /// Records a failure or a slow call that counts in the window. Returns the reason to open, if a threshold of the
    /// window is reached.
    #[inline]
    fn record_in_window(&self, ticket: Ticket, completion: Completion) -> Option<TripReason> {
        self.record_fault_or_trial_time();
        let options = self.options.get()?;
        let by_window = options.record_fault(ticket.generation(), completion, &self.clock);
        self.resume_recording(options, ticket.generation());
        by_window
    }

    /// Releases the bulkhead slot and records the duration. Returns `true` if the call was slow.
    #[inline]
    fn release(&self, ticket: Ticket, stamp: Stamp, end: CallEnd) -> bool {
        !stamp.is_none() && self.release_stamped(ticket, stamp, stamp.ended_by(end))
    }

    #[inline(never)]
    fn release_stamped(&self, ticket: Ticket, stamp: Stamp, end: StampedEnd) -> bool {
        self.release_slot(ticket, stamp);
        let Some(start) = end.stamp().start() else {
            return false;
        };
        let Some(options) = self.options.get() else {
            return false;
        };
        let nanos = self.clock.nanos_since(start);
        !options.try_record_duration(nanos) && self.note_duration(options, nanos, end)
    }

    /// Records the duration, and passes the call to the taps that see it. Returns `true` if it was slow.
    #[cold]
    #[inline(never)]
    fn note_duration(&self, options: &CircuitOptions, nanos: u64, end: StampedEnd) -> bool {
        let stamp = end.stamp();
        if stamp.is_tapped() {
            self.tap_ended(stamp, end.end(), Duration::from_nanos(nanos));
        }
        // The settings do not need the duration of a call that has a start only for taps.
        if !stamp.is_timed() {
            return false;
        }
        options.record_notable_duration(nanos);
        options.is_slow(nanos)
    }

    #[inline]
    pub(super) fn release_slot(&self, ticket: Ticket, stamp: Stamp) {
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
