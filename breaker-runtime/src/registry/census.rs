//! Counts the circuits of a keyed breaker while calls add and remove keys.
//!
//! The circuits are visited without a lock. A circuit that is removed meanwhile may have been visited or not, so
//! all circuits removed during the visit are kept, and those that were not visited are counted afterwards. Each
//! circuit is counted once, and later sums are not smaller.

use std::collections::BTreeMap;

use super::circuit_map::CircuitMap;
use super::key_table::KeyTable;
use crate::breaker::CircuitBreaker;
use crate::snapshot::CumulativeParts;
use crate::sync::{Mutex, lock};

/// Lets one thread at a time count.
#[derive(Default)]
pub(super) struct Census {
    order: Mutex<()>,
}

/// Number of removed circuits that are examined under one lock.
const UNHELD_PER_LOCK: usize = 64;

impl Census {
    /// Calls `visit` for each circuit that `for_each` visits, and returns the sum of the circuits that were removed
    /// and not visited. No table lock is held while `visit` runs.
    pub(super) fn take(
        &self,
        table: &Mutex<KeyTable>,
        circuits: &CircuitMap,
        for_each: impl FnOnce(&mut dyn FnMut(&CircuitBreaker)),
        mut visit: impl FnMut(&CircuitBreaker),
    ) -> CumulativeParts {
        let order = lock(&self.order);
        let removed_before = lock(table).removed.begin_census();
        let mut visited = Vec::new();
        for_each(&mut |circuit| {
            visited.push(circuit.circuit().address());
            visit(circuit);
        });
        let removed = lock(table).removed.end_census();
        let mut not_visited: BTreeMap<usize, CircuitBreaker> =
            removed.into_iter().map(|circuit| (circuit.circuit().address(), circuit)).collect();
        for address in visited {
            not_visited.remove(&address);
        }
        let mut sum = removed_before.counts();
        for circuit in not_visited.values() {
            sum.add(&circuit.snapshot());
        }
        drop((removed_before, not_visited));
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
