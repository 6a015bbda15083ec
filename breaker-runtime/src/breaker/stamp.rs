//! The per-call flags and the start of an admission, packed into one word because every guarded future stores
//! it.
//!
//! ```text
//!  63           62     61     60        59 ..... 0
//!  in bulkhead  timed  since  in scope  start
//! ```
//!
//! The start of a timed call is a reading of the stopwatch. The start of any other call that may be cancelled
//! is a moment.

use std::time::Duration;

use crate::clock::{Clock, Moment, Start};

/// The start of a call, if it is known, and the flags of the call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp(u64);

const TIMED: u64 = 1 << 62;
const SINCE: u64 = 1 << 61;
const START: u64 = Start::MAX;

impl Stamp {
    pub(super) const NONE: Self = Self(0);
    pub(super) const IN_BULKHEAD: Self = Self(1 << 63);

    /// Returns the stamp of a call that is timed from `start`.
    pub(super) const fn started_at(self, start: Start) -> Self {
        Self(self.0 | TIMED | start.bits())
    }

    /// Returns the stamp of a call that began at `moment`. It is not timed: its duration matters only if it
    /// is cancelled.
    pub(super) fn since(self, moment: Moment) -> Self {
        Self(self.0 | SINCE | moment.nanos().min(START))
    }

    #[inline]
    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn is_in_bulkhead(self) -> bool {
        self.0 & Self::IN_BULKHEAD.0 != 0
    }

    /// Returns `true` if it is known when the call began.
    #[inline]
    pub(super) const fn has_start(self) -> bool {
        self.0 & (TIMED | SINCE) != 0
    }

    /// Returns the start, if the call is timed.
    pub(super) const fn start(self) -> Option<Start> {
        if self.0 & TIMED == 0 { None } else { Some(Start::from_bits(self.0 & START)) }
    }

    /// Returns how long the call has run, if it is known when it began.
    pub(super) fn elapsed(self, clock: &Clock) -> Option<Duration> {
        if let Some(start) = self.start() {
            return Some(Duration::from_nanos(clock.nanos_since(start)));
        }
        (self.0 & SINCE != 0).then(|| clock.now().since(Moment::from_nanos(self.0 & START)))
    }
}
