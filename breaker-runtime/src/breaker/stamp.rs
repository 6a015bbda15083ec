//! The per-call flags and the start of an admission, packed into one word because every guarded future stores
//! it.
//!
//! ```text
//!  63 ..... 6   5       4         3      2      1             0
//!  start        tapped  in scope  since  timed  enters scope  in bulkhead
//! ```
//!
//! The start of a timed or tapped call is a reading of the stopwatch. The start of any other call that may be cancelled
//! is a moment. Without taps, `timed` and `since` exclude each other, so both bits together mark the stamp of an async
//! call that does not run, and the bits of the start then hold its [`Phase`]. In the stamp of a tapped call, `timed`
//! says that the settings need its duration too, and `since` that `call_timeout` can end it.

use std::num::NonZeroU32;
use std::time::Duration;

use super::tap::CallEnd;
use crate::clock::{Clock, Moment, Start};

/// The start of a call, if it is known, and the flags of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(u64);

/// The needs for the duration of a call: the bits `timed` and `tapped` of its stamp. The features of a circuit have them
/// at the same positions, so that no branch tells them apart when a call starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Timing(NonZeroU32);

impl Timing {
    /// The settings need the duration: `slow_call` or `durations`.
    pub(super) const SETTINGS: u32 = 1 << 2;
    /// The circuit has taps, which see the call when it ends.
    pub(super) const TAPS: u32 = 1 << 5;

    /// Returns the needs in these bits, if there are any.
    #[inline]
    pub(super) const fn from_bits(bits: u32) -> Option<Self> {
        match NonZeroU32::new(bits & (Self::SETTINGS | Self::TAPS)) {
            Some(needs) => Some(Self(needs)),
            None => None,
        }
    }
}

/// A stamp with the end of its call in place of its slots, so that a function that needs both keeps them in one
/// register.
///
/// ```text
///  63 ..... 6   5       4    3      2      1 0
///  start        tapped  end  since  timed  end
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StampedEnd(u64);

impl StampedEnd {
    /// Returns the stamp of the call once it has left its scope and released its slots.
    #[inline]
    pub(super) const fn stamp(self) -> Stamp {
        Stamp(self.0 & !SLOTS)
    }

    pub(super) const fn end(self) -> CallEnd {
        CallEnd::from_index(self.0 & LOW_END | (self.0 & IN_SCOPE) >> HIGH_END_SHIFT)
    }
}

/// The phase of an async call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The fast path has not admitted the call.
    Undecided,
    /// The call must wait for a bulkhead slot, and has not started to wait.
    MustWait,
    Waiting,
    Running,
    /// The call has reached its time limit. It is recorded after its future was dropped.
    TimedOut,
    /// A drill delays the call before it runs.
    Delayed,
    Ended,
}

const IN_BULKHEAD: u64 = 1;
/// The call enters the scope of its thread without a bulkhead slot: a trial call, which holds a trial slot, or a call
/// that a ramp admitted. Calls inside it must be admitted with it.
const ENTERS_SCOPE: u64 = 1 << 1;
const TIMED: u64 = Timing::SETTINGS as u64;
const SINCE: u64 = 1 << 3;
const IN_SCOPE: u64 = 1 << 4;
const TAPPED: u64 = Timing::TAPS as u64;
const START_SHIFT: u32 = 6;
const START: u64 = Start::MAX;
const FLAGS: u64 = (1 << START_SHIFT) - 1;
const NOT_RUNNING: u64 = TIMED | SINCE;
/// The bits in which a [`StampedEnd`] has the end: its two lower bits in those of the slots, and its highest one in that
/// of the scope.
const SLOTS: u64 = IN_BULKHEAD | ENTERS_SCOPE | IN_SCOPE;
const LOW_END: u64 = IN_BULKHEAD | ENTERS_SCOPE;
const HIGH_END_SHIFT: u32 = 2;

impl Stamp {
    pub(super) const NONE: Self = Self(0);
    pub(super) const IN_BULKHEAD: Self = Self(IN_BULKHEAD);
    /// The stamp of a call that its thread runs, that is in scope, and whose only slot is a bulkhead slot.
    pub(super) const IN_BULKHEAD_AND_SCOPE: Self = Self(IN_BULKHEAD | IN_SCOPE);
    pub(super) const ENDED: Self = Self(NOT_RUNNING);
    pub(super) const UNDECIDED: Self = Self(NOT_RUNNING | 1 << START_SHIFT);
    pub(super) const MUST_WAIT: Self = Self(NOT_RUNNING | 2 << START_SHIFT);
    pub(super) const WAITING: Self = Self(NOT_RUNNING | 3 << START_SHIFT);
    pub(super) const TIMED_OUT: Self = Self(NOT_RUNNING | 4 << START_SHIFT);
    pub(super) const DELAYED: Self = Self(NOT_RUNNING | 5 << START_SHIFT);

    #[inline]
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// Returns the phase of an async call.
    pub(super) const fn phase(self) -> Phase {
        match self {
            Self::ENDED => Phase::Ended,
            Self::UNDECIDED => Phase::Undecided,
            Self::MUST_WAIT => Phase::MustWait,
            Self::WAITING => Phase::Waiting,
            Self::TIMED_OUT => Phase::TimedOut,
            Self::DELAYED => Phase::Delayed,
            _ => Phase::Running,
        }
    }

    #[inline]
    pub(super) const fn is_ended(self) -> bool {
        self.0 == NOT_RUNNING
    }

    /// Returns `true` if an async call is running and does not enter the scope of its thread.
    #[inline]
    pub(super) const fn is_unrestricted(self) -> bool {
        !self.enters_scope() && self.0 & (NOT_RUNNING | TAPPED) != NOT_RUNNING
    }

    /// Returns the stamp of a call that starts at `start`, and whose duration is needed.
    #[inline]
    pub(super) const fn started_at(self, start: Start, timing: Timing) -> Self {
        Self(self.0 | timing.0.get() as u64 | start.bits() << START_SHIFT)
    }

    /// Returns the stamp of a call that `call_timeout` can end. Only taps need to know that.
    pub(super) const fn limitable(self) -> Self {
        if self.is_tapped() { Self(self.0 | SINCE) } else { self }
    }

    /// Returns the stamp that this tapped call would have without taps.
    pub(super) fn untapped(self, clock: &Clock) -> Self {
        if self.is_timed() {
            return Self(self.0 & !(TAPPED | SINCE));
        }
        let ran = self.elapsed(clock).unwrap_or_default();
        Self(self.0 & (IN_BULKHEAD | ENTERS_SCOPE | IN_SCOPE)).since(clock.now().before(ran))
    }

    /// Returns the stamp of a call that began at `moment`. It is not timed: its duration matters only if it
    /// is cancelled.
    pub(super) fn since(self, moment: Moment) -> Self {
        Self(self.0 | SINCE | moment.nanos() << START_SHIFT)
    }

    /// Returns the stamp of a call that begins now, unless its start is known.
    #[inline]
    pub(super) fn with_start(self, clock: &Clock) -> Self {
        if self.has_start() { self } else { self.since(clock.now()) }
    }

    /// Returns the stamp of a trial call, or of a call that a ramp admitted: it enters the [scope](super::slot_holders)
    /// of its thread.
    pub(super) const fn entering_scope(self) -> Self {
        Self(self.0 | ENTERS_SCOPE)
    }

    /// Returns the stamp of a call that its thread runs in the [scope](super::slot_holders) of its slot.
    pub(super) const fn in_scope(self) -> Self {
        Self(self.0 | IN_SCOPE)
    }

    /// Returns the stamp of a call that its thread does not run now.
    pub(super) const fn out_of_scope(self) -> Self {
        Self(self.0 & !IN_SCOPE)
    }

    pub(super) const fn is_in_scope(self) -> bool {
        self.0 & IN_SCOPE != 0
    }

    /// Returns `true` if the call enters the [scope](super::slot_holders) of its thread: it holds a trial slot or a
    /// bulkhead slot, or a ramp admitted it.
    #[inline]
    pub(super) const fn enters_scope(self) -> bool {
        self.0 & (IN_BULKHEAD | ENTERS_SCOPE) != 0
    }

    #[inline]
    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Returns `true` if a success with this stamp has nothing to release and is neither timed nor tapped. The start of a
    /// call that may be cancelled does not matter then.
    #[inline]
    pub(super) const fn is_plain(self) -> bool {
        self.0 & (IN_BULKHEAD | ENTERS_SCOPE | TIMED | IN_SCOPE | TAPPED) == 0
    }

    pub(super) const fn is_in_bulkhead(self) -> bool {
        self.0 & IN_BULKHEAD != 0
    }

    /// Returns `true` if it is known when the call began.
    #[inline]
    pub(super) const fn has_start(self) -> bool {
        self.0 & (TIMED | SINCE | TAPPED) != 0
    }

    /// Returns `true` if the settings needed the duration of the call when it started.
    pub(super) const fn is_timed(self) -> bool {
        self.0 & TIMED != 0
    }

    /// Returns `true` if taps see the call when it ends.
    #[inline]
    pub(super) const fn is_tapped(self) -> bool {
        self.0 & TAPPED != 0
    }

    /// Returns `true` if `call_timeout` can end this tapped call.
    pub(super) const fn is_limitable(self) -> bool {
        self.0 & SINCE != 0
    }

    /// Returns the start, if the call is timed or tapped.
    pub(super) const fn start(self) -> Option<Start> {
        if self.0 & (TIMED | TAPPED) == 0 { None } else { Some(Start::from_bits(self.0 >> START_SHIFT)) }
    }

    /// Returns the stamp without the time from `from` to `until` in the duration of the call, if that is measured.
    pub(super) fn without(self, from: Start, until: Start) -> Self {
        let flags = self.0 & FLAGS;
        self.start().map_or(self, |start| Self(flags | start.later_by(from, until).bits() << START_SHIFT))
    }

    /// Returns the stamp of a call that has ended in this way.
    #[inline]
    pub(super) const fn ended_by(self, end: CallEnd) -> StampedEnd {
        let end = end as u64;
        StampedEnd(self.0 & !SLOTS | end & LOW_END | (end & !LOW_END) << HIGH_END_SHIFT)
    }

    /// Returns how long the call has run, if it is known when it began.
    pub(super) fn elapsed(self, clock: &Clock) -> Option<Duration> {
        if let Some(start) = self.start() {
            return Some(Duration::from_nanos(clock.nanos_since(start)));
        }
        (self.0 & SINCE != 0).then(|| {
            let nanos = clock.now().nanos().wrapping_sub(self.0 >> START_SHIFT) & START;
            // The bits overflow after nine years. A difference of more than half of that is negative.
            if nanos > START / 2 { Duration::ZERO } else { Duration::from_nanos(nanos) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_call_replaces_its_slots_and_nothing_else_of_its_stamp() {
        let ends =
            [CallEnd::Success, CallEnd::Failure, CallEnd::Ignored, CallEnd::TimedOut, CallEnd::Cancelled];
        for flags in 0..=FLAGS {
            for (end, start) in ends.into_iter().flat_map(|end| [(end, 0), (end, START)]) {
                let ended = Stamp(start << START_SHIFT | flags).ended_by(end);
                assert_eq!(ended.end(), end);
                assert_eq!(ended.stamp(), Stamp(start << START_SHIFT | flags & (TIMED | SINCE | TAPPED)));
            }
        }
    }
}
