//! The limit and the slots in use, packed into one word.
//!
//! ```text
//!  63 ........ 32   31 ........ 0
//!  limit            slots in use
//! ```
//!
//! The limit is at least 1. While calls wait or have an offer, the word shows 0 instead, so that every thread finds
//! the bulkhead full and asks the queue. After the limit was lowered, more slots than the limit can be in use.

/// A packed word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slots(u64);

const LIMIT_SHIFT: u32 = 32;

impl Slots {
    /// The bits of the slots in use. The word with only these bits shows that calls wait.
    pub(super) const IN_USE: u64 = (1 << LIMIT_SHIFT) - 1;

    pub(super) const fn new(limit: u32, in_use: u32) -> Self {
        Self((limit as u64) << LIMIT_SHIFT | in_use as u64)
    }

    pub(super) const fn with_queue(in_use: u32) -> Self {
        Self::new(0, in_use)
    }

    #[inline]
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// Returns `true` if calls wait or have an offer.
    #[inline]
    pub(super) const fn has_queue(self) -> bool {
        self.limit() == 0
    }

    /// Returns the number of slots in use.
    #[inline]
    pub(super) const fn in_use(self) -> u32 {
        // The mask leaves 32 bits.
        (self.0 & Self::IN_USE) as u32
    }

    /// Returns the word with one more slot in use, unless all are in use or calls wait.
    #[inline]
    pub(super) const fn with_one_acquired(self) -> Option<Self> {
        if self.in_use() < self.limit() { Some(Self(self.0 + 1)) } else { None }
    }

    /// Returns the word with one slot less in use, unless none is in use or calls wait.
    #[inline]
    pub(super) const fn with_one_released(self) -> Option<Self> {
        if self.has_queue() || self.in_use() == 0 { None } else { Some(Self(self.0 - 1)) }
    }

    #[inline]
    const fn limit(self) -> u32 {
        (self.0 >> LIMIT_SHIFT) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_acquired_up_to_the_limit_and_released_down_to_none() {
        let mut slots = Slots::new(2, 0);
        assert_eq!(slots.with_one_released(), None);
        for in_use in 1..=2 {
            slots = slots.with_one_acquired().expect("a slot is free");
            assert_eq!(slots, Slots::new(2, in_use));
        }
        assert_eq!(slots.with_one_acquired(), None);
        assert_eq!(slots.with_one_released(), Some(Slots::new(2, 1)));
        assert_eq!(Slots::new(1, 3).with_one_acquired(), None);
    }

    #[test]
    fn a_word_that_shows_a_queue_has_no_free_slot_and_releases_none() {
        let slots = Slots::from_bits(Slots::new(u32::MAX, 5).bits() & Slots::IN_USE);
        assert_eq!(slots, Slots::with_queue(5));
        assert!(slots.has_queue());
        assert_eq!((slots.with_one_acquired(), slots.with_one_released()), (None, None));
    }
}
