//! The word of a circuit that only its keyed breaker writes: the mark of a circuit that is being evicted or was
//! removed, and the number of its calls when an eviction last examined it.
//!
//! ```text
//!  31 .... 2   1 0
//!  calls       mark
//! ```
//!
//! The lock of the keyed breaker is held while the word changes, so a load and a store are enough. Lookups read the
//! mark without that lock; the proof in `registry/circuit_map.rs` shows that no lookup misses the mark of an evicted
//! circuit.

use super::circuit::Circuit;
use crate::sync::Ordering;

/// The mark of a new circuit.
const UNMARKED: u32 = 0;
/// The mark while an eviction decides about the circuit.
const DECIDING: u32 = 1;
const REMOVED: u32 = 2;

const MARK_BITS: u32 = 2;
const MARK: u32 = (1 << MARK_BITS) - 1;

impl Circuit {
    /// Marks a circuit that may be evicted now. Lookups that find the mark wait for the decision.
    pub(crate) fn mark(&self) {
        self.set_mark(DECIDING);
    }

    /// Removes the mark of a circuit that stays.
    pub(crate) fn unmark(&self) {
        self.set_mark(UNMARKED);
    }

    /// Marks a circuit that is removed from its keyed breaker. This mark stays.
    pub(super) fn mark_removed(&self) {
        self.set_mark(REMOVED);
    }

    /// Returns `true` if the circuit is marked.
    #[inline]
    pub(crate) fn is_marked(&self) -> bool {
        self.mark.load(Ordering::Relaxed) & MARK != UNMARKED
    }

    /// Returns `true` if the circuit was removed from its keyed breaker. A removal sets the mark before it locks
    /// anything else, so a thread that takes such a lock later reads the mark.
    pub(crate) fn is_removed(&self) -> bool {
        self.mark.load(Ordering::Relaxed) & MARK == REMOVED
    }

    /// Returns `true` if the circuit has had calls since this method was last called. A multiple of 2^30 calls is not
    /// noticed.
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are enough")]
    pub(crate) fn has_new_calls(&self) -> bool {
        let calls = (self.totals().calls() as u32) << MARK_BITS;
        let word = self.mark.load(Ordering::Relaxed);
        self.mark.store(calls | word & MARK, Ordering::Relaxed);
        word & !MARK != calls
    }

    fn set_mark(&self, mark: u32) {
        let word = self.mark.load(Ordering::Relaxed);
        self.mark.store(word & !MARK | mark, Ordering::Relaxed);
    }
}
