//! The limit and the slots in use, packed into one word.
//!
//! ```text
//!  63     62     61 ........ 32   31 ........ 0
//!  slow   queue  limit            slots in use
//! ```
//!
//! The limit is at least 1. The bit *queue* shows that calls wait or have an offer, or that the lock of the queue is
//! held. Then no thread acquires a slot without that lock. After the limit was lowered, more slots than the limit can
//! be in use.
//!
//! The bit *slow* is set together with the bit *queue*, when the settings have other parts that apply to a call, and if
//! the circuit has taps. It is the sign of the word and of its upper half, so a call that needs only a slot checks both
//! bits and the limit with one comparison.

/// A packed word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slots(u64);

const IN_USE: u64 = (1 << LIMIT_SHIFT) - 1;
const LIMIT_SHIFT: u32 = 32;
const QUEUE: u64 = 1 << 62;
const SLOW: u64 = 1 << 63;

impl Slots {
    /// The bits that show a queue.
    pub(super) const WITH_QUEUE: u64 = SLOW | QUEUE;

    /// Returns the word of a bulkhead whose calls need no more than a slot.
    pub(super) const fn new(limit: u32, in_use: u32) -> Self {
        Self((limit as u64) << LIMIT_SHIFT | in_use as u64)
    }

    /// Returns the word with the bit *slow*, for a bulkhead whose calls need more than a slot.
    pub(super) const fn slow(self) -> Self {
        Self(self.0 | SLOW)
    }

    /// Returns the word with the bits that show a queue.
    pub(super) const fn with_queue(self) -> Self {
        Self(self.0 | Self::WITH_QUEUE)
    }

    #[inline]
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// Returns `true` if calls wait or have an offer, or if the lock of the queue is held.
    #[inline]
    pub(super) const fn has_queue(self) -> bool {
        self.0 & QUEUE != 0
    }

    /// Returns `true` if the bit *slow* is set. The result is wrong if no slot is in use.
    #[inline]
    pub(super) const fn is_slow(self) -> bool {
        // Compared with zero, so that a release uses the flags of its decrement instead of another comparison.
        self.0.cast_signed() <= 0
    }

    /// Returns the number of slots in use.
    #[inline]
    pub(super) const fn in_use(self) -> u32 {
        // The mask leaves 32 bits.
        (self.0 & IN_USE) as u32
    }

    /// Returns the word with one more slot in use, unless all are in use or it shows a queue.
    #[inline]
    pub(super) const fn with_one_acquired(self) -> Option<Self> {
        if self.has_queue() || self.in_use() >= self.limit() { None } else { Some(Self(self.0 + 1)) }
    }

    /// Returns the word with one more slot in use, unless all are in use or the bit *slow* is set.
    #[inline]
    pub(super) const fn with_one_acquired_fast(self) -> Option<Self> {
        let limit = ((self.0 >> LIMIT_SHIFT) as u32).cast_signed();
        if self.in_use().cast_signed() < limit { Some(Self(self.0 + 1)) } else { None }
    }

    #[inline]
    const fn limit(self) -> u32 {
        ((self.0 & !Self::WITH_QUEUE) >> LIMIT_SHIFT) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_acquired_up_to_the_limit() {
        let mut slots = Slots::new(2, 0);
        for in_use in 1..=2 {
            assert_eq!(slots.with_one_acquired(), slots.with_one_acquired_fast());
            slots = slots.with_one_acquired().expect("a slot is free");
            assert_eq!(slots, Slots::new(2, in_use));
            assert!(!slots.is_slow());
        }
        assert_eq!((slots.with_one_acquired(), slots.with_one_acquired_fast()), (None, None));
        assert_eq!(Slots::new(1, 3).with_one_acquired(), None);
        assert_eq!(Slots::new(1, 3).with_one_acquired_fast(), None);
    }

    #[test]
    fn a_word_that_shows_a_queue_has_no_free_slot() {
        let slots = Slots::new(1 << 28, 5).with_queue();
        assert_eq!(slots.bits(), Slots::new(1 << 28, 5).bits() | Slots::WITH_QUEUE);
        assert!(slots.has_queue() && slots.is_slow());
        assert_eq!((slots.with_one_acquired(), slots.with_one_acquired_fast()), (None, None));
        assert_eq!(slots.in_use(), 5);
    }

    #[test]
    fn a_slow_word_has_slots_only_for_calls_that_need_more() {
        let slots = Slots::new(2, 1).slow();
        assert_eq!(slots.with_one_acquired(), Some(Slots::new(2, 2).slow()));
        assert_eq!(slots.with_one_acquired_fast(), None);
        assert!(slots.is_slow() && !slots.has_queue());
    }
}
