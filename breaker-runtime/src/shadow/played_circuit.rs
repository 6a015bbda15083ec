//! The circuit of a candidate beside one live circuit. It sees the calls of the live circuit as a tap.

use std::fmt;
use std::sync::Arc;

use super::report::History;
use super::tally::Tally;
use crate::breaker::{CallEnd, CallTap, CircuitBreaker, CompletedCall, PlayedCall, TapsStart};
use crate::clock::Moment;
use crate::error::ErrorKind;
use crate::outcome::Outcome;
use crate::snapshot::Snapshot;
use crate::sync::{Mutex, lock};

pub(super) struct PlayedCircuit {
    circuit: CircuitBreaker,
    /// The start of the candidate. It plays no call that began before.
    began: TapsStart,
    /// Locked while a call is played, so that calls which end at the same time do not compete for trial slots.
    order: Mutex<()>,
    tally: Arc<Tally>,
    /// The figures of the circuits of the candidate that exist no longer.
    former: Arc<Mutex<History>>,
}

impl PlayedCircuit {
    pub(super) const fn new(
        circuit: CircuitBreaker,
        began: TapsStart,
        tally: Arc<Tally>,
        former: Arc<Mutex<History>>,
    ) -> Self {
        Self { circuit, began, order: Mutex::new(()), tally, former }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.circuit.snapshot()
    }

    /// Returns the outcome of a call with the settings of the live circuit and of the candidate.
    fn outcomes(&self, call: &CompletedCall) -> Outcomes {
        let config = self.circuit.circuit().config();
        let seen = match call.end {
            CallEnd::Success => Outcome::Success,
            CallEnd::Failure | CallEnd::TimedOut => Outcome::Failure,
            CallEnd::Cancelled if call.waited >= config.cancelled_after() => Outcome::Failure,
            CallEnd::Ignored | CallEnd::Cancelled => Outcome::Ignored,
        };
        let timeout = call.limited.zip(config.call_timeout());
        let is_timeout = timeout.is_some_and(|(limited, timeout)| limited >= timeout);
        Outcomes { seen, played: if is_timeout { Outcome::Failure } else { seen } }
    }
}

/// The outcome of a call that was made, and the outcome that it has for the candidate.
struct Outcomes {
    seen: Outcome,
    /// A call that took longer than the candidate's `call_timeout` is a failure for the candidate.
    played: Outcome,
}

impl CallTap for PlayedCircuit {
    fn completed(&self, call: &CompletedCall) {
        if !self.began.is_before(call) {
            return;
        }
        let Outcomes { seen, played } = self.outcomes(call);
        let order = lock(&self.order);
        let decision: PlayedCall = self.circuit.circuit().play(played, call);
        drop(order);
        self.tally.add(decision, seen);
    }

    fn rejected(&self, _kind: ErrorKind, _at: Moment) {
        self.tally.add_unseen();
    }
}

impl Drop for PlayedCircuit {
    fn drop(&mut self) {
        let history = History::of(&self.circuit.snapshot());
        lock(&self.former).add(history);
    }
}

impl fmt::Debug for PlayedCircuit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("PlayedCircuit").field("circuit", &self.circuit).finish_non_exhaustive()
    }
}
