//! The circuits that have been removed from a keyed breaker. Their calls still count.

use std::collections::VecDeque;

use crate::breaker::CircuitBreaker;
use crate::snapshot::CumulativeParts;
use crate::totals::Totals;

/// The removed circuits of one breaker.
#[derive(Default)]
pub(super) struct RemovedCircuits {
    /// Circuits that a caller may still hold.
    held: VecDeque<CircuitBreaker>,
    /// The summed counts of all other removed circuits.
    counts: CumulativeParts,
}

impl RemovedCircuits {
    pub(super) fn add(&mut self, circuit: CircuitBreaker) {
        self.held.push_back(circuit);
    }

    /// Examines at most `limit` held circuits, and adds the counts of those that no caller holds to the sum. Returns
    /// these, and the caller drops them after it has released its lock.
    #[must_use = "the circuits must be dropped without a lock"]
    pub(super) fn settle(&mut self, limit: usize) -> Vec<CircuitBreaker> {
        let mut settled = Vec::new();
        for _ in 0..limit.min(self.held.len()) {
            let Some(circuit) = self.held.pop_front() else {
                break;
            };
            if circuit.circuit().has_handles(1) {
                self.counts.add(&circuit.snapshot());
                settled.push(circuit);
            } else {
                self.held.push_back(circuit);
            }
        }
        settled
    }

    /// Returns the summed counts.
    pub(super) fn counts(&self) -> CumulativeParts {
        let mut sum = self.counts.clone();
        for circuit in &self.held {
            sum.add(&circuit.snapshot());
        }
        sum
    }

    /// Returns the summed number of calls by outcome.
    pub(super) fn totals(&self) -> Totals {
        let mut sum = self.counts.totals();
        for circuit in &self.held {
            sum.add(circuit.circuit().totals());
        }
        sum
    }
}
