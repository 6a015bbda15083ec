//! The part of a keyed breaker that changes when a key is added or removed.

use super::circuit_map::CircuitMap;
use super::eviction::{EvictionQueue, IdleCircuit};
use super::removed::RemovedCircuits;
use crate::clock::Moment;
use crate::config::SharedConfig;

/// The data that a keyed breaker locks to add or remove a key.
pub(super) struct KeyTable {
    pub(super) settings: SharedConfig,
    pub(super) queue: EvictionQueue,
    pub(super) removed: RemovedCircuits,
}

/// Number of circuits that a new key tries to evict, if callers begin to use them at the same time.
const EVICTION_ATTEMPTS: usize = 4;

impl KeyTable {
    pub(super) fn new(settings: SharedConfig) -> Self {
        Self { settings, queue: EvictionQueue::default(), removed: RemovedCircuits::default() }
    }

    /// Removes an idle circuit from the map and from the queue, and returns it.
    pub(super) fn evict(&mut self, circuits: &CircuitMap, now: Moment) -> Option<IdleCircuit> {
        for _ in 0..EVICTION_ATTEMPTS {
            let idle = self.queue.pop_idle(&self.settings, now)?;
            let is_idle = || idle.is_still_idle(&self.settings, now);
            if idle.circuit.key().is_some_and(|key| circuits.remove_if(key, is_idle)) {
                return Some(idle);
            }
            self.queue.push(idle.circuit);
        }
        None
    }
}
