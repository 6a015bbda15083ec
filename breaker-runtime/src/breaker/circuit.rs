//! What all clones of a breaker share, and the path of every call: admit, run, settle.

use crate::clock::Clock;
use crate::config::{Config, Name};
use crate::error::{BreakerError, ErrorKind};
use crate::outcome::Outcome;
use crate::snapshot::Snapshot;
use crate::state::machine::{Machine, Ticket};
use crate::state::{Cause, State};
use crate::totals::{Counters, Total};
use crate::window::consecutive;

#[derive(Debug)]
pub(crate) struct Circuit {
    machine: Machine,
    counters: Counters,
    clock: Clock,
    config: Config,
    name: Name,
}

/// A call that was admitted and is not over.
#[derive(Debug)]
#[must_use = "a call that is not settled never ended"]
pub struct Admission<'a> {
    circuit: &'a Circuit,
    ticket: Ticket,
}

/// A call that was not admitted. It becomes a [`BreakerError`] only if somebody looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Rejected<'a> {
    circuit: &'a Circuit,
    by: State,
}

impl Circuit {
    pub(super) fn new(name: Name, config: Config, clock: Clock) -> Self {
        let machine = Machine::new(clock.now());
        Self { machine, counters: Counters::new(), clock, config, name }
    }

    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    #[inline]
    pub(crate) fn admit(&self) -> Result<Admission<'_>, Rejected<'_>> {
        match self.machine.admit(&self.clock, self.config.recovery()) {
            Ok(ticket) => Ok(Admission { circuit: self, ticket }),
            Err(by) => {
                self.counters.add(Total::Rejected);
                Err(Rejected { circuit: self, by })
            }
        }
    }

    #[inline]
    fn settle(&self, ticket: Ticket, outcome: Outcome) {
        let recovery = self.config.recovery();
        match outcome {
            Outcome::Success => {
                self.counters.add(Total::Successes);
                self.machine.succeed(ticket, &self.clock, recovery);
            }
            Outcome::Failure => self.settle_failure(ticket),
            Outcome::Ignored => {
                self.counters.add(Total::Ignored);
                self.machine.ignore(ticket, &self.clock, recovery);
            }
        }
    }

    #[inline(never)]
    fn settle_failure(&self, ticket: Ticket) {
        self.counters.add(Total::Failures);
        let recovery = self.config.recovery();
        let Some(run) = self.machine.fail(ticket, &self.clock, recovery) else {
            return;
        };
        if consecutive::is_met(run, self.config.threshold()) {
            self.machine.trip(ticket, &self.clock, recovery);
        }
    }

    pub(super) fn order(&self, cause: Cause) {
        self.machine.order(cause, &self.clock, self.config.recovery());
    }

    pub(super) fn state(&self) -> State {
        self.machine.state(&self.clock, self.config.recovery())
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let seen = self.machine.observe(&self.clock, self.config.recovery());
        Snapshot::new(self.name.clone(), seen, self.counters.read())
    }
}

impl Admission<'_> {
    #[inline]
    pub(super) fn settle(&self, outcome: Outcome) {
        self.circuit.settle(self.ticket, outcome);
    }

    pub(super) fn is_trial(&self) -> bool {
        self.ticket.is_trial()
    }
}

impl From<Rejected<'_>> for BreakerError {
    fn from(Rejected { circuit, by }: Rejected<'_>) -> Self {
        let kind = match by {
            State::HalfOpen => ErrorKind::HalfOpen,
            State::ForcedOpen => ErrorKind::ForcedOpen,
            // Closed and Disabled refuse nothing.
            State::Open | State::Closed | State::Disabled => ErrorKind::Open,
        };
        let retry_after = match kind {
            ErrorKind::Open => circuit.machine.retry_after(&circuit.clock, circuit.config.recovery()),
            ErrorKind::HalfOpen | ErrorKind::ForcedOpen => None,
        };
        Self::new(circuit.name.clone(), kind, retry_after)
    }
}
