//! The second half of every call: what its result means to the totals, the rules and the state.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::circuit::{Admission, Circuit, Stamp};
use crate::outcome::Outcome;
use crate::state::machine::Ticket;
use crate::state::{Details, Trial};
use crate::sync::Ordering;
use crate::totals::{Rare, Total};
use crate::window::{Bad, TripReason};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Success,
    Failure,
    TimedOut,
    Ignored,
}

/// So many bytes of what a failure says are kept.
const LONGEST_TEXT: usize = 1024;

/// What a failure says, asked for only when it opens a circuit.
pub(super) type Text<'t> = &'t dyn Fn() -> Option<Arc<str>>;

impl Admission<'_> {
    /// Ends the call with what it brought. The output is handed through rather than looked at from afar, so
    /// that on the short way it stays in registers.
    #[inline]
    pub(super) fn settle_with<T>(
        self,
        output: T,
        outcome: Outcome,
        text: impl Fn(&T) -> Option<Arc<str>>,
    ) -> T {
        match outcome {
            Outcome::Success => self.succeed(),
            Outcome::Failure => return self.fail_with(output, text),
            Outcome::Ignored => self.ignore(),
        }
        output
    }

    #[inline]
    pub(super) fn succeed(self) {
        let Self { circuit, ticket, stamp } = self;
        circuit.counters.add(Total::Successes);
        if !circuit.machine.is_unchanged(ticket) {
            circuit.succeed_otherwise(ticket, stamp);
        }
    }

    pub(super) fn ignore(self) {
        self.circuit.leave(self.stamp, End::Ignored);
        self.circuit.counters.add(Total::Rare(Rare::Ignored));
        self.circuit.give_back(self.ticket);
    }

    pub(super) fn fail(self, text: Text<'_>) {
        self.circuit.fail(self.ticket, self.stamp, End::Failure, text);
    }

    pub(super) fn time_out(self, text: Text<'_>) {
        self.circuit.fail(self.ticket, self.stamp, End::TimedOut, text);
    }

    #[cold]
    #[inline(never)]
    fn fail_with<T>(self, output: T, text: impl Fn(&T) -> Option<Arc<str>>) -> T {
        self.fail(&|| text(&output));
        output
    }
}

impl Circuit {
    /// A fallback ran to its end.
    #[inline]
    pub(crate) fn count_fallback(&self, outcome: Outcome) {
        self.counters.add(match outcome {
            Outcome::Success | Outcome::Ignored => Total::Fallbacks,
            Outcome::Failure => Total::Rare(Rare::FailedFallbacks),
        });
    }

    /// A success that may have something to write: in a window, at the end of a run of failures, as a trial.
    #[inline(never)]
    fn succeed_otherwise(&self, ticket: Ticket, stamp: Stamp) {
        if self.leave(stamp, End::Success) {
            self.go_badly(ticket, Bad::SlowSuccess, &|| None);
        } else if self.machine.end_run(ticket) {
            self.succeed_in_window(ticket);
        } else if ticket.is_trial() {
            self.pass_trial(ticket);
        }
    }

    #[inline]
    fn succeed_in_window(&self, ticket: Ticket) {
        let generation = ticket.generation();
        if let Some(extras) = self.extras.get()
            && extras.succeed(generation, &self.clock)
            && !ticket.is_ruled()
        {
            extras.rest(generation, || self.machine.rest_window(generation));
        }
    }

    #[inline(never)]
    fn pass_trial(&self, ticket: Ticket) {
        self.machine.settle_trial(ticket, Trial::Passed, &self.clock);
        self.tell_news();
    }

    #[inline(never)]
    fn fail(&self, ticket: Ticket, stamp: Stamp, end: End, text: Text<'_>) {
        let is_slow = self.leave(stamp, end);
        self.counters.add(if end == End::TimedOut { Total::Rare(Rare::Timeouts) } else { Total::Failures });
        self.go_badly(ticket, if is_slow { Bad::SlowFailure } else { Bad::Failure }, text);
    }

    /// Leaves the bulkhead and stops the watch. Whether the call was slow; one that says nothing is not.
    #[inline]
    fn leave(&self, stamp: Stamp, end: End) -> bool {
        !stamp.is_none() && self.leave_with(stamp, end)
    }

    #[inline(never)]
    fn leave_with(&self, stamp: Stamp, end: End) -> bool {
        let Some(extras) = self.extras.get() else {
            return false;
        };
        if stamp.is_in_bulkhead() {
            extras.leave_bulkhead();
        }
        match stamp.start() {
            Some(start) if end != End::Ignored => extras.took(self.clock.nanos_since(start)),
            Some(_) | None => false,
        }
    }

    /// A failure, or a slow call.
    #[inline(never)]
    fn go_badly(&self, ticket: Ticket, bad: Bad, text: Text<'_>) {
        if ticket.is_trial() {
            self.machine.settle_trial(ticket, failed_trial(bad, text), &self.clock);
        } else if let Some(trip) = self.met_rule(ticket, bad) {
            let last_failure = if bad == Bad::SlowSuccess { None } else { ask(text) };
            let details = Details { trip: Some(trip), last_failure, initiator: None };
            self.machine.trip(ticket, details, &self.clock);
        }
        self.tell_news();
    }

    /// The rule that is met now, if the call still counts.
    fn met_rule(&self, ticket: Ticket, bad: Bad) -> Option<TripReason> {
        let run = match bad {
            Bad::Failure | Bad::SlowFailure => self.machine.fail(ticket)?,
            Bad::SlowSuccess if self.machine.end_run(ticket) => 0,
            Bad::SlowSuccess => return None,
        };
        if let Some(extras) = self.extras.get() {
            let trip = extras.add(ticket.generation(), bad, run, &self.clock);
            self.enter_window(extras, ticket.generation());
            return trip;
        }
        let limit = self.run_limit.load(Ordering::Relaxed);
        (limit > 0 && run >= limit).then_some(TripReason::ConsecutiveFailures { failures: run, limit })
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
    match catch_unwind(AssertUnwindSafe(text)) {
        Ok(text) => text.map(shortened),
        Err(thrown) => {
            // To drop it could panic as well.
            std::mem::forget(thrown);
            Some(Arc::from("(its text panicked)"))
        }
    }
}

fn shortened(text: Arc<str>) -> Arc<str> {
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    let ends = text.char_indices().map(|(place, _)| place).take_while(|&place| place <= LONGEST_TEXT);
    ends.last().and_then(|end| text.get(..end)).map_or(Arc::clone(&text), Arc::from)
}
