//! The part of a keyed breaker that changes when a key is added or removed. It owns the circuits: the queue those in
//! the map, and `removed` the others until no call uses them.
#![expect(unsafe_code, reason = "the map does not own its circuits")]

use std::collections::BTreeSet;
use std::sync::Arc;

use super::breaker_settings::BreakerSettings;
use super::circuit_map::{CircuitMap, MapWriter};
use super::eviction::{EvictionQueue, IdleCircuit, is_still_idle};
use super::removed::RemovedCircuits;
use crate::breaker::{CircuitBreaker, Gate, Idleness};
use crate::clock::Moment;
use crate::sync::holds::Held;

/// The data that a keyed breaker locks to add or remove a key.
pub(super) struct KeyTable {
    pub(super) settings: BreakerSettings,
    /// The gate of all circuits, also of those that are created later.
    pub(super) gate: Option<Arc<Gate>>,
    pub(super) queue: EvictionQueue,
    pub(super) removed: RemovedCircuits,
    pub(super) map: MapWriter,
}

/// A circuit that was evicted, and removed circuits that are not used. Both are dropped without the lock.
pub(super) struct Evicted {
    pub(super) circuit: CircuitBreaker,
    pub(super) idleness: Idleness,
    pub(super) unheld: Vec<CircuitBreaker>,
}

/// Number of circuits that a new key tries to evict, if callers begin to use them at the same time.
const EVICTION_ATTEMPTS: usize = 4;
/// Number of removed circuits that are examined for each eviction. One eviction removes one circuit.
pub(super) const EXAMINED_PER_KEY: usize = 4;

impl KeyTable {
    pub(super) fn new(settings: BreakerSettings, map: MapWriter) -> Self {
        Self {
            settings,
            gate: None,
            queue: EvictionQueue::default(),
            removed: RemovedCircuits::default(),
            map,
        }
    }

    /// Adds the circuit of a key that has none.
    pub(super) fn insert(&mut self, circuits: &CircuitMap, key: &str, circuit: CircuitBreaker) {
        // SAFETY: the queue keeps the circuit while it is in the map, and `removed` keeps it afterwards, until it is in
        // no hold. All of it is dropped together with the map.
        unsafe { circuits.insert(&mut self.map, key, &circuit) };
        self.queue.push(circuit);
    }

    /// Evicts an idle circuit, whose key a new one replaces. No circuit is idle while a call uses it.
    pub(super) fn evict(&mut self, circuits: &CircuitMap, now: Moment) -> Option<Evicted> {
        for _ in 0..EVICTION_ATTEMPTS {
            let IdleCircuit { circuit, idleness } =
                self.queue.pop_idle(&self.settings, now, &Held::lately())?;
            circuit.circuit().mark();
            if let Some(held) = circuits.held()
                && is_still_idle(&circuit, idleness, &self.settings, now, &held)
                && self.remove(circuits, &circuit)
            {
                self.map.free_replaced(&held);
                let unheld = self.removed.take_unheld(EXAMINED_PER_KEY, &held);
                circuit.circuit().leave_group_for_new_key();
                self.removed.add(circuit.clone());
                return Some(Evicted { circuit, idleness, unheld });
            }
            circuit.circuit().unmark();
            self.queue.push(circuit);
        }
        None
    }

    /// Removes circuits from the map and from the queue, except those that their keys no longer have. Returns the
    /// removed ones.
    pub(super) fn remove_all(
        &mut self,
        circuits: &CircuitMap,
        mut leaving: Vec<CircuitBreaker>,
    ) -> Vec<CircuitBreaker> {
        leaving.retain(|circuit| self.remove(circuits, circuit));
        for circuit in &leaving {
            circuit.circuit().leave_group();
            self.removed.add(circuit.clone());
        }
        let addresses: BTreeSet<_> = leaving.iter().map(|circuit| circuit.circuit().address()).collect();
        self.queue.remove(|circuit| addresses.contains(&circuit.circuit().address()));
        leaving
    }

    /// Examines the next `limit` removed circuits; see [`RemovedCircuits::take_unheld`].
    #[must_use = "the circuits must be dropped without a lock"]
    pub(super) fn take_unheld(&mut self, circuits: &CircuitMap, limit: usize) -> Vec<CircuitBreaker> {
        if self.removed.kept() == 0 {
            return Vec::new();
        }
        circuits.held().map_or_else(Vec::new, |held| self.removed.take_unheld(limit, &held))
    }

    fn remove(&mut self, circuits: &CircuitMap, circuit: &CircuitBreaker) -> bool {
        circuit.key().is_some_and(|key| circuits.remove(&mut self.map, key, circuit.circuit()))
    }
}
