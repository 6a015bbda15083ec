//! The second half of every call: what its result means to the totals, the rules and the state.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::circuit::{Admission, Circuit};
use crate::outcome::Outcome;
use crate::state::machine::Ticket;
use crate::state::{Details, Trial};
use crate::sync::Ordering;
use crate::totals::Total;
use crate::window::{Bad, Trip};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Success,
    Failure,
    TimedOut,
    Ignored,
}

/// What a failure says, asked for only when it opens a circuit.
pub(super) type Text<'t> = &'t dyn Fn() -> Option<Arc<str>>;

impl Admission<'_> {
    #[inline]
    pub(super) fn settle(self, end: End, text: Text<'_>) {
        let circuit = self.circuit;
        if end == End::Success && circuit.extras.get().is_none() {
            circuit.counters.add(Total::Successes);
            if !circuit.machine.is_unchanged(self.ticket) {
                circuit.succeed_otherwise(self.ticket);
            }
        } else {
            self.settle_otherwise(end, text);
        }
    }

    #[inline(never)]
    fn settle_otherwise(self, end: End, text: Text<'_>) {
        let circuit = self.circuit;
        let is_slow = self.leave();
        circuit.counters.add(match end {
            End::Success => Total::Successes,
            End::Failure => Total::Failures,
            End::TimedOut => Total::Timeouts,
            End::Ignored => Total::Ignored,
        });
        match (end, is_slow) {
            (End::Success, false) => circuit.succeed_with_extras(self.ticket),
            (End::Success, true) => circuit.go_badly(self.ticket, Bad::SlowSuccess, text),
            (End::Failure | End::TimedOut, false) => circuit.go_badly(self.ticket, Bad::Failure, text),
            (End::Failure | End::TimedOut, true) => circuit.go_badly(self.ticket, Bad::SlowFailure, text),
            (End::Ignored, _) => circuit.give_back(self.ticket),
        }
    }

    /// Leaves the bulkhead and stops the watch. Whether the call was slow.
    fn leave(self) -> bool {
        let Some(extras) = self.circuit.extras.get() else {
            return false;
        };
        let is_slow =
            self.stamp.start().is_some_and(|start| extras.took(self.circuit.clock.nanos_since(start)));
        if self.stamp.is_in_bulkhead() {
            extras.leave_bulkhead();
        }
        is_slow
    }
}

impl Circuit {
    /// A trial succeeded, or a call that ends a run of failures, or one that counts in no rule.
    #[cold]
    fn succeed_otherwise(&self, ticket: Ticket) {
        if ticket.is_trial() {
            self.machine.settle_trial(ticket, Trial::Passed, &self.clock);
            self.tell_news();
        } else {
            self.machine.end_run(ticket);
        }
    }

    fn succeed_with_extras(&self, ticket: Ticket) {
        if !ticket.is_counted() {
            return self.succeed_otherwise(ticket);
        }
        let still_counts = self.machine.is_unchanged(ticket) || self.machine.end_run(ticket);
        if let Some(extras) = self.extras.get().filter(|_| still_counts) {
            extras.succeed(ticket.generation(), &self.clock);
        }
    }

    /// A failure, or a slow call.
    fn go_badly(&self, ticket: Ticket, bad: Bad, text: Text<'_>) {
        if ticket.is_trial() {
            self.machine.settle_trial(ticket, failed_trial(bad, text), &self.clock);
        } else if ticket.is_counted()
            && let Some(trip) = self.met_rule(ticket, bad)
        {
            let last_failure = if bad == Bad::SlowSuccess { None } else { ask(text) };
            let details = Details { trip: Some(trip), last_failure, ordered_by: None };
            self.machine.trip(ticket, details, &self.clock);
        }
        self.tell_news();
    }

    /// The rule that is met now, if the call still counts.
    fn met_rule(&self, ticket: Ticket, bad: Bad) -> Option<Trip> {
        let run = match bad {
            Bad::Failure | Bad::SlowFailure => self.machine.fail(ticket)?,
            Bad::SlowSuccess if self.machine.end_run(ticket) => 0,
            Bad::SlowSuccess => return None,
        };
        if let Some(extras) = self.extras.get() {
            return extras.add(ticket.generation(), bad, run, &self.clock);
        }
        let limit = self.run_limit.load(Ordering::Relaxed);
        (limit > 0 && run >= limit).then_some(Trip::ConsecutiveFailures { failures: run, limit })
    }

    /// The call decides nothing. Only a trial has something to give back.
    pub(super) fn give_back(&self, ticket: Ticket) {
        if ticket.is_trial() {
            self.machine.settle_trial(ticket, Trial::Ignored, &self.clock);
            self.tell_news();
        }
    }
}

fn failed_trial(bad: Bad, text: Text<'_>) -> Trial {
    match bad {
        Bad::Failure | Bad::SlowFailure => {
            Trial::Failed(Details { last_failure: ask(text), ..Details::default() })
        }
        Bad::SlowSuccess => Trial::Slow(Details::default()),
    }
}

/// The text is the user's `Display`: it may panic, and the call it belongs to must be settled all the same.
fn ask(text: Text<'_>) -> Option<Arc<str>> {
    catch_unwind(AssertUnwindSafe(text)).unwrap_or_else(|_| Some(Arc::from("(its text panicked)")))
}

impl From<Outcome> for End {
    #[inline]
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::Success,
            Outcome::Failure => Self::Failure,
            Outcome::Ignored => Self::Ignored,
        }
    }
}
