//! The circuits that have been removed from a keyed breaker. Their calls still count.

use std::collections::VecDeque;

use crate::breaker::CircuitBreaker;
use crate::clock::Moment;
use crate::snapshot::{CumulativeParts, Snapshot};
use crate::state::State;
use crate::sync::holds::Held;

/// The removed circuits of one breaker.
#[derive(Clone, Default)]
pub(super) struct RemovedCircuits {
    /// Circuits that a caller may still hold.
    kept: VecDeque<RemovedCircuit>,
    /// The summed counts of all other removed circuits.
    counts: CumulativeParts,
    /// Set while a census runs: the length of `kept` at its start. Until its end, circuits are only added.
    census: Option<usize>,
}

/// A removed circuit, and when it was removed.
#[derive(Clone)]
struct RemovedCircuit {
    circuit: CircuitBreaker,
    at: Moment,
}

impl RemovedCircuit {
    /// Returns the snapshot of the circuit. Its open time ends when it was removed.
    fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.circuit.snapshot();
        if matches!(snapshot.state, State::Open | State::ForcedOpen) {
            let since_removal = self.circuit.circuit().now().since(self.at);
            let excess = since_removal.min(snapshot.time_in_state);
            snapshot.time_open = snapshot.time_open.saturating_sub(excess);
        }
        snapshot
    }
}

impl RemovedCircuits {
    pub(super) fn add(&mut self, circuit: CircuitBreaker) {
        let at = circuit.circuit().now();
        self.kept.push_back(RemovedCircuit { circuit, at });
    }

    /// Examines the next `limit` circuits. Adds the counts of those that no caller holds to the sum, and returns these
    /// circuits, which must be dropped without the lock. Returns none while a census runs. All circuits were removed
    /// before `held` was read.
    #[must_use = "the circuits must be dropped without a lock"]
    pub(super) fn take_unheld(&mut self, limit: usize, held: &Held) -> Vec<CircuitBreaker> {
        let mut unheld = Vec::new();
        if self.census.is_some() {
            return unheld;
        }
        for _ in 0..limit.min(self.kept.len()) {
            let Some(removed) = self.kept.pop_front() else {
                break;
            };
            let circuit = removed.circuit.circuit();
            // The handles are counted last, because a lookup adds its handle before it ends its search.
            if !held.has_searches() && !held.contains(circuit.address()) && circuit.has_handles(1) {
                self.counts.add(&removed.snapshot());
                unheld.push(removed.circuit);
            } else {
                self.kept.push_back(removed);
            }
        }
        unheld
    }

    /// Returns the summed counts.
    pub(super) fn counts(&self) -> CumulativeParts {
        let mut sum = self.counts.clone();
        for removed in &self.kept {
            sum.add(&removed.snapshot());
        }
        sum
    }

    /// Returns a copy, and keeps all circuits that are removed until [`end_census`](Self::end_census).
    pub(super) fn begin_census(&mut self) -> Self {
        self.census = Some(self.kept.len());
        self.clone()
    }

    /// Returns the circuits that have been removed since [`begin_census`](Self::begin_census).
    pub(super) fn end_census(&mut self) -> Vec<CircuitBreaker> {
        let start = self.census.take().unwrap_or(self.kept.len());
        self.kept.iter().skip(start).map(|removed| removed.circuit.clone()).collect()
    }

    /// Returns the number of circuits that a caller may still hold.
    pub(super) fn kept(&self) -> usize {
        self.kept.len()
    }
}
