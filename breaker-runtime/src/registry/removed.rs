//! The circuits that have been removed from a keyed breaker. Their calls still count.

use std::collections::VecDeque;

use crate::breaker::CircuitBreaker;
use crate::snapshot::CumulativeParts;

/// The removed circuits of one breaker.
#[derive(Clone, Default)]
pub(super) struct RemovedCircuits {
    /// Circuits that a caller may still hold.
    held: VecDeque<CircuitBreaker>,
    /// The summed counts of all other removed circuits.
    counts: CumulativeParts,
    /// Set while a census runs: the length of `held` at its start. Until its end, circuits are only added.
    census: Option<usize>,
}

impl RemovedCircuits {
    pub(super) fn add(&mut self, circuit: CircuitBreaker) {
        self.held.push_back(circuit);
    }

    /// Adds the counts of circuits that no caller holds, of the next `limit`, and returns those circuits. Drop them
    /// without the lock. While a census runs, it returns none.
    #[must_use = "the circuits must be dropped without a lock"]
    pub(super) fn take_unheld(&mut self, limit: usize) -> Vec<CircuitBreaker> {
        let mut unheld = Vec::new();
        if self.census.is_some() {
            return unheld;
        }
        for _ in 0..limit.min(self.held.len()) {
            let Some(circuit) = self.held.pop_front() else {
                break;
            };
            if circuit.circuit().has_handles(1) {
                self.counts.add(&circuit.snapshot());
                unheld.push(circuit);
            } else {
                self.held.push_back(circuit);
            }
        }
        unheld
    }

    /// Returns the summed counts.
    pub(super) fn counts(&self) -> CumulativeParts {
        let mut sum = self.counts.clone();
        for circuit in &self.held {
            sum.add(&circuit.snapshot());
        }
        sum
    }

    /// Returns a copy, and keeps all circuits that are removed until [`end_census`](Self::end_census).
    pub(super) fn begin_census(&mut self) -> Self {
        self.census = Some(self.held.len());
        self.clone()
    }

    /// Returns the circuits that have been removed since [`begin_census`](Self::begin_census).
    pub(super) fn end_census(&mut self) -> Vec<CircuitBreaker> {
        let start = self.census.take().unwrap_or(self.held.len());
        self.held.iter().skip(start).cloned().collect()
    }

    /// Returns the number of circuits that a caller may still hold.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }
}
