//! Random numbers that are the same in each run with the same seed.

use std::time::Duration;

/// A generator of random numbers (`SplitMix64`). Its whole state is one number, so that a model checker can store it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Random(Option<u64>);

impl Random {
    /// Creates a generator. With the seed 0, all numbers are 0, so that a model checker reaches fewer states.
    pub(super) const fn new(seed: u64) -> Self {
        Self(if seed == 0 { None } else { Some(seed) })
    }

    /// Returns a number of less than `end`, or 0 if `end` is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        let Some(state) = &mut self.0 else { return 0 };
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // The bias of the remainder is negligible for the short ranges in use.
        (mixed ^ (mixed >> 31)).checked_rem(end).unwrap_or_default()
    }

    /// Returns a duration of less than `end`, or zero if `end` is zero.
    pub(super) fn time_below(&mut self, end: Duration) -> Duration {
        Duration::from_nanos(self.below(u64::try_from(end.as_nanos()).unwrap_or(u64::MAX)))
    }
}
