//! The mark of a circuit that is being evicted or was removed from its keyed breaker.
//!
//! The lock of the keyed breaker is held while a mark changes. Lookups read it without that lock; the proof in
//! `registry/circuit_map.rs` shows that no lookup misses the mark of an evicted circuit.

use super::circuit::Circuit;
use crate::sync::Ordering;

/// The mark of a new circuit.
const UNMARKED: u32 = 0;
/// The mark while an eviction decides about the circuit.
const DECIDING: u32 = 1;
const REMOVED: u32 = 2;

impl Circuit {
    /// Marks a circuit that may be evicted now. Lookups that find the mark wait for the decision.
    pub(crate) fn mark(&self) {
        self.mark.store(DECIDING, Ordering::Relaxed);
    }

    /// Removes the mark of a circuit that stays.
    pub(crate) fn unmark(&self) {
        self.mark.store(UNMARKED, Ordering::Relaxed);
    }

    /// Marks a circuit that is removed from its keyed breaker. This mark stays.
    pub(super) fn mark_removed(&self) {
        self.mark.store(REMOVED, Ordering::Relaxed);
    }

    /// Returns `true` if the circuit is marked.
    #[inline]
    pub(crate) fn is_marked(&self) -> bool {
        self.mark.load(Ordering::Relaxed) != UNMARKED
    }

    /// Returns `true` if the circuit was removed from its keyed breaker. A removal sets the mark before it locks anything
    /// else, so a thread that takes such a lock later reads the mark.
    pub(crate) fn is_removed(&self) -> bool {
        self.mark.load(Ordering::Relaxed) == REMOVED
    }
}
