//! Counts the circuits of a keyed breaker while calls add and remove keys.
//!
//! The circuits are visited without a lock. A circuit that is removed meanwhile may have been visited or not, so
//! all circuits removed during the visit are kept, and those that were not visited are counted afterwards. Each
//! circuit is counted once. One that was visited after its removal was counted with too long an open time, which is
//! corrected. Therefore later sums are not smaller.

use std::collections::BTreeMap;
use std::time::Duration;

use super::circuit_map::CircuitMap;
use super::key_table::KeyTable;
use super::removed::RemovedCircuit;
use crate::breaker::CircuitBreaker;
use crate::snapshot::CumulativeParts;
use crate::sync::{Mutex, lock};

/// Lets one thread at a time count.
#[derive(Default)]
pub(super) struct Census {
    order: Mutex<()>,
}

/// A circuit that has been visited, and the open time that was counted.
struct Visited {
    address: usize,
    time_open: Duration,
}

/// Number of removed circuits that are examined under one lock.
const UNHELD_PER_LOCK: usize = 64;

impl Census {
    /// Calls `visit` for each circuit that `for_each` visits, and returns the sum of the circuits that were removed
    /// and not visited. `visit` returns the open time that it counted. No table lock is held while it runs.
    pub(super) fn take(
        &self,
        table: &Mutex<KeyTable>,
        circuits: &CircuitMap,
        for_each: impl FnOnce(&mut dyn FnMut(&CircuitBreaker)),
        mut visit: impl FnMut(&CircuitBreaker) -> Duration,
    ) -> CumulativeParts {
        let order = lock(&self.order);
        let removed_before = lock(table).removed.begin_census();
        let mut visited = Vec::new();
        for_each(&mut |circuit| {
            visited.push(Visited { address: circuit.circuit().address(), time_open: visit(circuit) });
        });
        let removed = lock(table).removed.end_census();
        let mut removed: BTreeMap<usize, RemovedCircuit> =
            removed.into_iter().map(|removed| (removed.circuit.circuit().address(), removed)).collect();
        let mut sum = removed_before.counts();
        let mut visited_and_removed = Vec::new();
        for Visited { address, time_open } in visited {
            if let Some(circuit) = removed.remove(&address) {
                sum.add_excess_open(time_open.saturating_sub(circuit.time_open));
                visited_and_removed.push(circuit);
            }
        }
        for circuit in removed.values() {
            sum.add(&circuit.snapshot());
        }
        drop((removed_before, removed, visited_and_removed));
        let unheld = Self::take_unheld(table, circuits);
        drop(order);
        // Dropping a circuit drops its listeners, which may count as well.
        drop(unheld);
        sum
    }

    /// Examines the removed circuits, whose number may have grown, and returns those that no caller holds.
    fn take_unheld(table: &Mutex<KeyTable>, circuits: &CircuitMap) -> Vec<CircuitBreaker> {
        let kept = lock(table).removed.kept();
        let batches = kept.div_ceil(UNHELD_PER_LOCK);
        (0..batches).flat_map(|_| lock(table).take_unheld(circuits, UNHELD_PER_LOCK)).collect()
    }
}
