//! The per-call flags of an admission, packed into one word because every guarded future stores it.
//!
//! ```text
//!  63           62     61 ..... 0
//!  in bulkhead  timed  start time
//! ```

use crate::clock::Start;

/// The start time of a call, if it is timed, and its flag for a bulkhead slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp(u64);

const TIMED: u64 = 1 << 62;

impl Stamp {
    pub(super) const NONE: Self = Self(0);
    pub(super) const IN_BULKHEAD: Self = Self(1 << 63);

    /// Returns the stamp of a call that is timed from `start`.
    pub(super) const fn started_at(self, start: Start) -> Self {
        Self(self.0 | TIMED | start.bits())
    }

    #[inline]
    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn is_in_bulkhead(self) -> bool {
        self.0 & Self::IN_BULKHEAD.0 != 0
    }

    /// Returns the start time, if the call is timed.
    pub(super) const fn start(self) -> Option<Start> {
        if self.0 & TIMED == 0 { None } else { Some(Start::from_bits(self.0 & (TIMED - 1))) }
    }
}
