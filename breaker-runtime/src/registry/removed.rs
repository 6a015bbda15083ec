//! The circuits that have been removed from a keyed breaker. Their calls still count.

use std::collections::VecDeque;
use std::time::Duration;

use crate::breaker::CircuitBreaker;
use crate::snapshot::{CumulativeParts, Snapshot};
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

/// A removed circuit. Its open time ended when it was removed.
#[derive(Clone)]
pub(super) struct RemovedCircuit {
    pub(super) circuit: CircuitBreaker,
    pub(super) time_open: Duration,
}

impl RemovedCircuit {
    /// Returns the snapshot of the circuit, with its open time until it was removed.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot { time_open: self.time_open, ..self.circuit.snapshot() }
    }
}

impl RemovedCircuits {
    pub(super) fn add(&mut self, circuit: CircuitBreaker) {
        let time_open = circuit.circuit().time_open();
        self.kept.push_back(RemovedCircuit { circuit, time_open });
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
    pub(super) fn end_census(&mut self) -> Vec<RemovedCircuit> {
        let start = self.census.take().unwrap_or(self.kept.len());
        self.kept.iter().skip(start).cloned().collect()
    }

    /// Returns the circuits that a caller may still hold.
    pub(super) fn circuits(&self) -> Vec<CircuitBreaker> {
        self.kept.iter().map(|removed| removed.circuit.clone()).collect()
    }

    /// Returns the number of circuits that a caller may still hold.
    pub(super) fn kept(&self) -> usize {
        self.kept.len()
    }
}
