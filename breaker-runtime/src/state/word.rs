//! The packed state that calls read without a lock: a state, a payload and a generation in 64 bits.
//!
//! ```text
//!  63 ............ 28  27 ........ 4   3 .. 0
//!  generation (36)     payload (24)    state
//! ```
//! The payload of the shared word is the number of consecutive failures while Closed, and 1 while HalfOpen
//! without a free trial slot. The word of a trial call contains its slot, counted from 2, so it equals no
//! shared word. `BUSY` is not a state: readers must take the lock.
//!
//! Closed has an encoding for each level of [`Tracking`], so that the word alone determines how a call is admitted and
//! settled. [`Tracking::Window`] sets the recording bit in the shared word, which the words of calls do not have. The
//! word of a call inside a trial call has a state of its own, which no shared word has, so its result changes nothing.
//! [`Tracking::Calls`] uses an encoding that does not admit on the fast path, and the words of its calls use another
//! one, which no shared word has; it has the recording bit as well. A call whose rejection is waived uses it too, with
//! the payload 1. The same is true of [`Tracking::Checks`], except that a circuit that checks its calls always records. The
//! payload of such a call is the number of its entry among the watched calls, counted from 1; 0 if it has none.

use super::transition::State;

/// Maximum number of consecutive failures that is counted.
pub(crate) const MAX_RUN: u32 = (1 << PAYLOAD_BITS) - 1;

/// Maximum number of concurrent trial calls. The record scans their slots under its lock.
pub(crate) const MAX_TRIALS: u32 = 1024;

/// Maximum generation; the next one is 0.
pub(super) const MAX_GENERATION: u64 = u64::MAX >> (STATE_BITS + PAYLOAD_BITS);

const STATE_BITS: u32 = 4;
const PAYLOAD_BITS: u32 = 24;
const STATE: u64 = (1 << STATE_BITS) - 1;
const PAYLOAD: u64 = (MAX_RUN as u64) << STATE_BITS;
const ONE: u64 = 1 << STATE_BITS;
const FIRST_SLOT: u32 = 2;

// A state that admits on the fast path has neither of these bits.
const RESTRICTED: u64 = 0b0110;
const CLOSED: u64 = 0;
/// Only in the shared word: successes must be recorded in the window.
const RECORDING: u64 = 1;
const CLOSED_RECORDING: u64 = CLOSED | RECORDING;
const CLOSED_TRACKED: u64 = 2;
const CLOSED_TRACKED_RECORDING: u64 = CLOSED_TRACKED | RECORDING;
const OPEN: u64 = 4;
const BUSY: u64 = 6;
/// Only in the words of calls, never in the shared word.
const TRACKED_CALL: u64 = 7;
const DISABLED: u64 = 8;
/// Only in the words of calls, never in the shared word.
const NESTED_CALL: u64 = 9;
const FORCED_OPEN: u64 = 10;
const HALF_OPEN: u64 = 11;
const CLOSED_CHECKED: u64 = 13;
/// Only in the words of calls, never in the shared word. It contains the bits of `TRACKED_CALL`.
const CHECKED_CALL: u64 = 15;

/// The bookkeeping that a closed circuit needs for its calls. Each level includes the previous ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tracking {
    /// The number of consecutive failures.
    Run,
    /// A window of recent calls.
    Window,
    /// The calls of a tracked circuit, which has `max_concurrent`, `call_timeout` or a tap, or records durations.
    Calls,
    /// Each call is checked before it is admitted: the circuit closes gradually, or watches for calls that hang.
    Checks,
}

/// A packed word: that of a circuit, or that of an admitted call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word(u64);

impl Word {
    pub(super) const BUSY: Self = Self(BUSY);

    /// The word of a call that shadow mode admits although the circuit rejects it. No shared word is equal to it.
    pub(super) const SHADOW_CALL: Self = Self(BUSY | ONE);

    pub(super) const fn new(state: State, generation: u64) -> Self {
        let state = match state {
            State::Closed => CLOSED,
            State::Disabled => DISABLED,
            State::Open => OPEN,
            State::HalfOpen => HALF_OPEN,
            State::ForcedOpen => FORCED_OPEN,
        };
        Self(generation << (STATE_BITS + PAYLOAD_BITS) | state)
    }

    #[inline]
    pub(super) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    #[inline]
    pub(super) const fn bits(self) -> u64 {
        self.0
    }

    /// Returns the state, or `None` while a change is being published.
    pub(super) const fn state(self) -> Option<State> {
        match self.0 & STATE {
            CLOSED | CLOSED_RECORDING | CLOSED_TRACKED | CLOSED_TRACKED_RECORDING | CLOSED_CHECKED => {
                Some(State::Closed)
            }
            DISABLED => Some(State::Disabled),
            OPEN => Some(State::Open),
            HALF_OPEN => Some(State::HalfOpen),
            FORCED_OPEN => Some(State::ForcedOpen),
            _ => None,
        }
    }

    /// Returns `true` for the word of an open circuit.
    #[inline]
    pub(super) const fn is_open(self) -> bool {
        // An open circuit never has the recording bit. It is masked as in `tracked_call`, so that a caller of both
        // masks the word once.
        self.0 & STATE & !RECORDING == OPEN
    }

    /// Returns `true` if every call is admitted on the fast path: Closed and not tracked, or Disabled.
    #[inline]
    pub(super) const fn admits_all(self) -> bool {
        self.0 & RESTRICTED == 0
    }

    /// Returns the word of a call that is admitted on the fast path.
    #[inline]
    pub(super) const fn fast_call(self) -> Self {
        Self(self.0 & !(PAYLOAD | RECORDING))
    }

    /// Returns the word of a call that a closed, tracked circuit admits.
    #[inline]
    pub(super) const fn tracked_call(self) -> Option<Self> {
        if self.0 & STATE & !RECORDING == CLOSED_TRACKED {
            Some(Self(self.without_run().0 | TRACKED_CALL))
        } else {
            None
        }
    }

    /// Returns `true` if this is the word of a closed, tracked circuit in the generation of this tracked call, with no
    /// failure in its run and without the recording bit.
    #[inline]
    pub(super) const fn is_clean_for(self, call: Self) -> bool {
        self.0 ^ call.0 == CLOSED_TRACKED ^ TRACKED_CALL
    }

    /// Returns the word of a call that is admitted although the circuit of this word rejects it. It looks like a
    /// call that a tracked circuit admitted, so limits apply to it. If the circuit has closed meanwhile, the call is one of
    /// a closed circuit.
    pub(super) const fn waived_call(self) -> Self {
        let call = self.without_run().0 & !STATE | TRACKED_CALL;
        Self(if self.is_closed() { call } else { call | ONE })
    }

    pub(super) const fn is_waived_call(self) -> bool {
        self.0 & (STATE | PAYLOAD) == TRACKED_CALL | ONE
    }

    /// Returns `true` for a call that a tracked circuit admitted without checks, and not because its rejection was
    /// waived.
    #[inline]
    pub(super) const fn is_plainly_tracked_call(self) -> bool {
        self.0 & (STATE | PAYLOAD) == TRACKED_CALL
    }

    /// Returns the word of a call that a closed circuit admits after its checks.
    pub(super) const fn checked_call(self) -> Option<Self> {
        if self.is_checked() { Some(Self(self.without_run().0 | CHECKED_CALL)) } else { None }
    }

    /// Returns `true` if this is the word of a closed circuit that checks each call.
    pub(super) const fn is_checked(self) -> bool {
        self.0 & STATE == CLOSED_CHECKED
    }

    /// Returns `true` for a call of a tracked circuit, or of one that checks its calls.
    #[inline]
    pub(super) const fn is_tracked_call(self) -> bool {
        self.0 & TRACKED_CALL == TRACKED_CALL
    }

    #[inline]
    pub(super) const fn is_checked_call(self) -> bool {
        self.0 & STATE == CHECKED_CALL
    }

    /// Returns the word of this checked call, whose entry among the watched calls is `entry`. Of the largest
    /// numbers, it keeps none.
    pub(super) fn with_entry(self, entry: u32) -> Self {
        let payload = if entry < MAX_RUN { u64::from(entry + 1) } else { 0 };
        Self(self.without_run().0 | payload << STATE_BITS)
    }

    /// Returns the entry among the watched calls, if this is the word of a call that has one.
    pub(super) fn entry(self) -> Option<u32> {
        if self.is_checked_call() { self.payload().checked_sub(1) } else { None }
    }

    /// Returns the word of a call inside the call of this word. No result of it has an effect.
    pub(super) const fn nested_call(self) -> Self {
        Self(self.without_run().0 & !STATE | NESTED_CALL)
    }

    pub(super) const fn is_nested_call(self) -> bool {
        self.0 & STATE == NESTED_CALL
    }

    /// Returns the shared word in which a success of this call is recorded in the window, and ends no run. For a call
    /// that was not admitted on the fast path of a closed circuit, no shared word is equal to it.
    #[inline]
    pub(super) const fn recording(self) -> Self {
        Self(self.0 | RECORDING)
    }

    /// Returns the word with its payload cleared: no consecutive failures.
    #[inline]
    pub(super) const fn without_run(self) -> Self {
        Self(self.0 & !PAYLOAD)
    }

    /// Returns the word with one more consecutive failure; the count stops at [`MAX_RUN`].
    pub(super) const fn with_longer_run(self) -> Self {
        if self.payload() == MAX_RUN { self } else { Self(self.0 + ONE) }
    }

    pub(super) const fn generation(self) -> u64 {
        self.0 >> (STATE_BITS + PAYLOAD_BITS)
    }

    /// Returns the payload, which is the number of consecutive failures in a closed word.
    pub(super) const fn payload(self) -> u32 {
        // The mask leaves 24 bits.
        ((self.0 & PAYLOAD) >> STATE_BITS) as u32
    }

    /// Returns the half-open word of a circuit without a free trial slot.
    pub(super) const fn with_no_free_slot(self) -> Self {
        Self(self.0 | ONE)
    }

    pub(super) const fn has_no_free_slot(self) -> bool {
        self.0 & STATE == HALF_OPEN && self.0 & PAYLOAD != 0
    }

    /// Returns the word of the trial call in this slot.
    pub(super) fn with_slot(self, slot: u32) -> Self {
        Self(self.0 | u64::from(slot + FIRST_SLOT) << STATE_BITS)
    }

    /// Returns the slot, if this is the word of a trial call.
    pub(super) fn slot(self) -> Option<u32> {
        if self.0 & STATE == HALF_OPEN { self.payload().checked_sub(FIRST_SLOT) } else { None }
    }

    /// Returns `true` for a closed circuit and for a call that a closed circuit admitted.
    pub(super) const fn is_closed(self) -> bool {
        matches!(
            self.0 & STATE,
            CLOSED
                | CLOSED_RECORDING
                | CLOSED_TRACKED
                | CLOSED_TRACKED_RECORDING
                | CLOSED_CHECKED
                | TRACKED_CALL
                | CHECKED_CALL
        )
    }

    /// Returns the word raised to this level of bookkeeping, if it is closed.
    pub(super) const fn with_tracking(self, tracking: Tracking) -> Self {
        match (self.0 & STATE, tracking) {
            (CLOSED | CLOSED_TRACKED, Tracking::Window) => Self(self.0 | RECORDING),
            (CLOSED | CLOSED_RECORDING, Tracking::Calls) => Self(self.0 | CLOSED_TRACKED_RECORDING),
            (CLOSED | CLOSED_RECORDING | CLOSED_TRACKED | CLOSED_TRACKED_RECORDING, Tracking::Checks) => {
                Self(self.0 & !STATE | CLOSED_CHECKED)
            }
            _ => self,
        }
    }

    /// Returns the word at this level of bookkeeping, if its circuit checks each call.
    pub(super) const fn without_checks(self, tracking: Tracking) -> Self {
        if self.is_checked() { Self(self.0 & !STATE | CLOSED).with_tracking(tracking) } else { self }
    }

    /// Returns the word lowered to this level of bookkeeping, if its circuit tracks its calls. Successes are recorded
    /// in the window again, if there is one.
    pub(super) const fn lowered(self, tracking: Tracking) -> Self {
        match self.0 & STATE {
            CLOSED_TRACKED | CLOSED_TRACKED_RECORDING => {
                Self(self.0 & !STATE | CLOSED).with_tracking(tracking)
            }
            _ => self,
        }
    }

    /// Returns the word with the recording bit cleared: successes are not recorded in the window.
    pub(super) const fn without_recording(self) -> Self {
        match self.0 & STATE {
            CLOSED_RECORDING | CLOSED_TRACKED_RECORDING => Self(self.0 ^ RECORDING),
            _ => self,
        }
    }
}

/// Returns `true` if `generation` began after `other`. Generations start again at zero after the largest one.
pub(crate) const fn is_later_generation(generation: u64, other: u64) -> bool {
    let distance = generation.wrapping_sub(other) & MAX_GENERATION;
    distance > 0 && distance <= MAX_GENERATION / 2
}

#[cfg(test)]
mod tests;
