//! How far back a window reaches. Packed into one word, so that a success reads it in one load.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::clock::{Clock, Moment};

/// How far back the rules look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// No window: the rules look at the run of failures only.
    Unlimited,
    Calls(NonZeroU32),
    Time(Duration),
}

/// The largest window of calls.
pub(crate) const MAX_CALLS: u32 = 1_000_000;

/// In so many parts a window of time is kept.
pub(super) const PARTS: usize = 10;

/// A span, and an era that is another one after each change.
///
/// ```text
///  63 .... 50  49 ............................ 1   0
///  era (14)    calls, or nanoseconds a part (49)   is it time?
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape(u64);

/// How long a part of a window of time is: a tenth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    nanos: u64,
}

/// The number of a part. It grows with the time, and leaps by far more than a window from one generation
/// to the next, so that no part of an older generation lies within the window of a newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tag(u64);

/// More parts than anybody sleeps through between two lines of code.
const LEAP: u64 = 1 << 24;

/// Parts shorter than this many nanoseconds, two ticks of a slow kernel, are timed by the precise clock.
const SHORT: u64 = 20_000_000;

const SIZE_BITS: u32 = 49;
const SIZE_STARTS: u32 = 63 - SIZE_BITS;
const MAX_SIZE: u64 = (1 << SIZE_BITS) - 1;
/// The size of a part that never ends.
const FOR_EVER: u64 = MAX_SIZE;

impl Shape {
    pub(super) fn new(span: Span, era: u16) -> Self {
        let (size, is_time) = match span {
            Span::Unlimited => (0, 0),
            Span::Calls(calls) => (u64::from(calls.get()), 0),
            Span::Time(time) => match Moment::from_nanos(0).after(time) {
                Moment::NEVER => (FOR_EVER, 1),
                // Parts longer than six days and a half are as long as that: 65 days in all.
                ends => (ends.nanos().div_ceil(PARTS as u64).min(FOR_EVER - 1), 1),
            },
        };
        Self(u64::from(era) << (SIZE_BITS + 1) | size << 1 | is_time)
    }

    #[inline]
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// Whether there is no window.
    #[inline]
    pub(super) const fn is_unlimited(self) -> bool {
        self.0 << SIZE_STARTS >> SIZE_STARTS == 0
    }

    /// The size of a window of calls.
    #[inline]
    pub(super) fn calls(self) -> Option<u64> {
        (self.0 & 1 == 0 && self.size() > 0).then_some(self.size())
    }

    /// The part of a window of time.
    #[inline]
    pub(super) fn part(self) -> Option<Part> {
        let nanos = if self.size() == FOR_EVER { u64::MAX } else { self.size() };
        (self.0 & 1 == 1).then_some(Part { nanos })
    }

    pub(super) const fn era(self) -> u16 {
        // The shift leaves 14 bits.
        (self.0 >> (SIZE_BITS + 1)) as u16
    }

    pub(super) const fn is_same_as(self, other: Self) -> bool {
        self.0 << SIZE_STARTS == other.0 << SIZE_STARTS
    }

    const fn size(self) -> u64 {
        self.0 >> 1 & MAX_SIZE
    }
}

impl Part {
    /// The time, as exactly as parts of this length need it. The coarse clock costs a quarter of the other
    /// and is right to a tick.
    #[inline]
    pub(super) fn now(self, clock: &Clock) -> Moment {
        if self.nanos < SHORT { clock.now() } else { clock.coarse_now() }
    }

    pub(super) fn tag(self, generation: u64, now: Moment) -> Tag {
        Tag((now.nanos() / self.nanos.max(1)).wrapping_add(generation.wrapping_mul(LEAP)))
    }

    /// When the part ends that `now` is in.
    pub(super) fn end_of(self, now: Moment) -> Moment {
        let part = self.nanos.max(1);
        Moment::from_nanos((now.nanos() / part + 1).saturating_mul(part))
    }

    /// The tag that the same time has in parts of another length; where a part falls into several, the
    /// latest that has begun.
    pub(super) fn retag(self, generation: u64, tag: Tag, after: Self, now: Moment) -> Tag {
        let parts = tag.0.wrapping_sub(generation.wrapping_mul(LEAP));
        let ends = parts.saturating_add(1).saturating_mul(self.nanos).saturating_sub(1);
        after.tag(generation, now.min(Moment::from_nanos(ends)))
    }
}

impl Tag {
    /// Whether this part lies within the window whose last part is `last`. One that is even later does too:
    /// its clock was read a moment later.
    pub(super) const fn is_within(self, last: Self) -> bool {
        self.0 > last.0.saturating_sub(PARTS as u64) || last.0 < PARTS as u64
    }

    /// A place among as many as a window has parts.
    pub(super) fn place(self) -> u32 {
        // It is less than ten.
        u32::try_from(self.0 % PARTS as u64).unwrap_or_default()
    }

    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}
