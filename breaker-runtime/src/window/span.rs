//! The length of a window, and the slices of a time-based window.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::clock::{Clock, Moment};

/// The calls that the rules take into account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// No window: only consecutive failures count.
    Unlimited,
    /// The last calls that succeeded or failed.
    Calls(NonZeroU32),
    /// The calls that ended within this time.
    Time(Duration),
}

/// Maximum length of a count-based window, in calls.
pub(crate) const MAX_CALLS: u32 = 1_000_000;

/// Number of slices in a time-based window.
pub(super) const SLICES: usize = 10;

/// A span packed into one word, so that a success reads it in one load, with an epoch that differs after
/// each change. An epoch is used again only when no thread has counts of it (see [`TimeWindow::next_epoch`]).
///
/// [`TimeWindow::next_epoch`]: super::time::TimeWindow::next_epoch
///
/// ```text
///  63 .... 50  49 ................................... 1   0
///  epoch (14)  calls, or nanoseconds per slice (49)       1 for time
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowSpec(u64);

/// The epoch of a span: a number of 14 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch(u16);

/// The length of one slice of a time-based window: a tenth of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SliceLength {
    nanos: u64,
}

/// The number of a slice. It grows with time, and by much more than a window from one generation to the next.
/// Therefore no slice of an older generation is within the window of a newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SliceId(u64);

/// Distance between the slices of two generations: more slices than can pass while one call ends.
const GENERATION_STRIDE: u64 = 1 << 24;

/// Slices shorter than this, in nanoseconds (two ticks of a slow kernel), need the precise clock.
const SHORT_SLICE: u64 = 20_000_000;

const SIZE_BITS: u32 = 49;
/// Number of bits of the epoch.
const EPOCH_BITS: u32 = 63 - SIZE_BITS;
const MAX_SIZE: u64 = (1 << SIZE_BITS) - 1;
/// The size of a slice that never ends.
const ENDLESS: u64 = MAX_SIZE;

impl WindowSpec {
    pub(super) fn new(span: Span, epoch: Epoch) -> Self {
        let (size, is_time) = match span {
            Span::Unlimited => (0, 0),
            Span::Calls(calls) => (u64::from(calls.get()), 0),
            Span::Time(time) => match Moment::from_nanos(0).after(time) {
                Moment::NEVER => (ENDLESS, 1),
                // The longest slice is six and a half days, so the longest window is 65 days.
                ends => (ends.nanos().div_ceil(SLICES as u64).min(ENDLESS - 1), 1),
            },
        };
        Self(u64::from(epoch.0) << (SIZE_BITS + 1) | size << 1 | is_time)
    }

    #[inline]
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// Returns `true` if there is no window.
    #[inline]
    pub(super) const fn is_unlimited(self) -> bool {
        self.0 << EPOCH_BITS >> EPOCH_BITS == 0
    }

    /// Returns the length of a count-based window.
    #[inline]
    pub(super) fn calls(self) -> Option<u64> {
        (self.0 & 1 == 0 && self.size() > 0).then_some(self.size())
    }

    /// Returns `true` if the window is time-based.
    #[inline]
    pub(super) const fn is_time(self) -> bool {
        self.0 & 1 == 1
    }

    /// Returns the length of the slices of a time-based window.
    #[inline]
    pub(super) fn slice_length(self) -> Option<SliceLength> {
        let nanos = if self.size() == ENDLESS { u64::MAX } else { self.size() };
        self.is_time().then_some(SliceLength { nanos })
    }

    pub(super) const fn epoch(self) -> Epoch {
        // The shift leaves 14 bits.
        Epoch((self.0 >> (SIZE_BITS + 1)) as u16)
    }

    /// Returns `true` if both have the same span, in any epoch.
    pub(super) const fn has_span_of(self, other: Self) -> bool {
        self.0 << EPOCH_BITS == other.0 << EPOCH_BITS
    }

    const fn size(self) -> u64 {
        self.0 >> 1 & MAX_SIZE
    }
}

impl Epoch {
    pub(super) const FIRST: Self = Self(0);

    /// Returns the next epoch; the first one follows the last one.
    pub(super) const fn next(self) -> Self {
        Self((self.0 + 1) & ((1 << EPOCH_BITS) - 1))
    }
}

impl SliceLength {
    /// Returns the time with the precision that slices of this length need. The coarse clock is cheaper to
    /// read and accurate to one tick.
    #[inline]
    pub(super) fn now(self, clock: &Clock) -> Moment {
        if self.is_short() { clock.now() } else { clock.coarse_now() }
    }

    /// Returns `true` if slices of this length need the precise clock.
    pub(super) const fn is_short(self) -> bool {
        self.nanos < SHORT_SLICE
    }

    /// Returns the slice of this generation that contains `now`.
    pub(super) fn id(self, generation: u64, now: Moment) -> SliceId {
        let number = now.nanos() / self.nanos.max(1);
        SliceId(number.wrapping_add(generation.wrapping_mul(GENERATION_STRIDE)))
    }

    /// Returns when the slice that contains `now` ends.
    pub(super) fn end(self, now: Moment) -> Moment {
        let nanos = self.nanos.max(1);
        Moment::from_nanos((now.nanos() / nanos).saturating_add(1).saturating_mul(nanos))
    }

    /// Returns the slice of another length that covers the start of `slice`, or `now` if that is earlier. Therefore no
    /// call of the slice counts for longer than the new window.
    pub(super) fn convert(self, generation: u64, slice: SliceId, to: Self, now: Moment) -> SliceId {
        let number = slice.0.wrapping_sub(generation.wrapping_mul(GENERATION_STRIDE));
        let start = Moment::from_nanos(number.saturating_mul(self.nanos));
        to.id(generation, now.min(start))
    }
}

impl SliceId {
    /// Returns `true` if this slice is in the window whose last slice is `last`. A later slice is in it too,
    /// because its clock was read later.
    pub(super) const fn is_within(self, last: Self) -> bool {
        self.0 > last.0.saturating_sub(SLICES as u64) || last.0 < SLICES as u64
    }

    /// Returns the index of the cell that counts this slice.
    pub(super) fn index(self) -> u32 {
        // The index is less than ten.
        u32::try_from(self.0 % SLICES as u64).unwrap_or_default()
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}
