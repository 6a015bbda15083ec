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
mod tests {
    use super::*;

    const STATES: [State; 5] =
        [State::Closed, State::Open, State::HalfOpen, State::ForcedOpen, State::Disabled];

    #[test]
    fn a_word_returns_what_was_packed() {
        for state in STATES {
            for generation in [0, 1, MAX_GENERATION] {
                let word = Word::new(state, generation);
                assert_eq!(word.state(), Some(state));
                assert_eq!(word.payload(), 0);
                assert_eq!(word.generation(), generation);
            }
        }
        assert_eq!(Word::BUSY.state(), None);
    }

    #[test]
    fn only_closed_and_disabled_admit_all() {
        let admitting = STATES.map(|state| Word::new(state, 9).admits_all());
        assert_eq!(admitting, [true, false, false, false, true]);
        assert!(!Word::BUSY.admits_all());
        assert!(!Word::new(State::Closed, 9).with_tracking(Tracking::Calls).admits_all());
    }

    #[test]
    fn a_run_grows_by_one_and_stops_at_its_maximum() {
        let clean = Word::new(State::Closed, 7);
        let mut word = clean;
        for run in 1..=1000 {
            word = word.with_longer_run();
            assert_eq!(word.payload(), run);
        }
        assert_eq!(word.without_run(), clean);
        let full = Word(clean.0 | PAYLOAD);
        assert_eq!(full.payload(), MAX_RUN);
        assert_eq!(full.with_longer_run(), full);
    }

    #[test]
    fn a_trial_call_carries_its_slot_and_equals_no_shared_word() {
        let shared = Word::new(State::HalfOpen, 3);
        for slot in [0, 1, 77, MAX_TRIALS] {
            let trial = shared.with_slot(slot);
            assert_eq!(trial.slot(), Some(slot));
            assert_ne!(trial, shared);
            assert_ne!(trial, shared.with_no_free_slot());
            assert_eq!(trial.generation(), 3);
        }
        assert_eq!(shared.slot(), None);
        assert_eq!(shared.with_no_free_slot().slot(), None);
        assert_eq!(Word::new(State::Closed, 3).with_longer_run().with_longer_run().slot(), None);
    }

    #[test]
    fn a_tracked_circuit_is_closed_and_its_calls_equal_no_shared_word() {
        let shared = Word::new(State::Closed, 3).with_longer_run().with_tracking(Tracking::Calls);
        assert_eq!((shared.state(), shared.payload(), shared.generation()), (Some(State::Closed), 1, 3));
        assert!(!shared.admits_all());
        let call = shared.tracked_call().expect("it is tracked");
        assert!(call.is_closed());
        assert_eq!((call.state(), call.generation(), call.slot()), (None, 3, None));
        assert_eq!(Word::new(State::Closed, 3).tracked_call(), None);
        assert_eq!(
            Word::new(State::Disabled, 3).with_tracking(Tracking::Calls),
            Word::new(State::Disabled, 3)
        );
    }

    #[test]
    fn a_circuit_that_checks_its_calls_is_closed_and_they_equal_no_shared_word() {
        let plain = Word::new(State::Closed, 3).with_longer_run();
        for tracking in [Tracking::Run, Tracking::Window, Tracking::Calls, Tracking::Checks] {
            let tracked = plain.with_tracking(tracking);
            let shared = tracked.with_tracking(Tracking::Checks);
            assert_eq!((shared.state(), shared.payload(), shared.generation()), (Some(State::Closed), 1, 3));
            assert!(shared.is_closed() && !shared.admits_all() && shared.tracked_call().is_none());
            assert_eq!(shared.without_checks(tracking), tracked, "the run is kept");
            let call = shared.checked_call().expect("it checks its calls");
            assert!(call.is_closed() && call.is_tracked_call() && call.is_checked_call());
            assert_eq!((call.state(), call.generation(), call.slot(), call.entry()), (None, 3, None, None));
            for entry in [0, 1, MAX_RUN - 1] {
                assert_eq!(call.with_entry(entry).entry(), Some(entry));
                assert_eq!(call.with_entry(entry).generation(), 3);
            }
            assert_eq!(call.with_entry(MAX_RUN), call, "it has no entry");
        }
        assert!(!plain.with_tracking(Tracking::Calls).is_checked_call());
        assert_eq!(plain.checked_call(), None);
    }

    #[test]
    fn generations_are_ordered_across_their_maximum() {
        assert!(is_later_generation(1, 0) && is_later_generation(0, MAX_GENERATION));
        assert!(!is_later_generation(0, 0) && !is_later_generation(0, 1));
        assert!(!is_later_generation(MAX_GENERATION, 0));
    }

    #[test]
    fn a_recording_circuit_differs_from_its_calls_and_one_that_skips_successes_does_not() {
        let plain = Word::new(State::Closed, 3);
        let shared = plain.with_longer_run().with_tracking(Tracking::Window);
        assert_eq!((shared.state(), shared.payload(), shared.generation()), (Some(State::Closed), 1, 3));
        assert!(shared.admits_all() && shared.fast_call() == plain);
        assert_eq!(shared.without_run().without_recording(), plain);
        let tracked = shared.with_tracking(Tracking::Calls);
        assert_eq!(tracked, plain.with_longer_run().with_tracking(Tracking::Calls));
        let skipping = tracked.without_recording();
        assert_ne!(skipping, tracked);
        assert_eq!(skipping.with_tracking(Tracking::Window), tracked);
        assert_eq!(
            (skipping.state(), skipping.payload(), skipping.generation()),
            (Some(State::Closed), 1, 3)
        );
        assert_eq!(skipping.tracked_call(), tracked.tracked_call());
        let call = tracked.tracked_call().expect("it is tracked");
        let clean = skipping.without_run();
        assert!(clean.is_clean_for(call) && !clean.with_longer_run().is_clean_for(call));
        assert!(!tracked.without_run().is_clean_for(call) && !plain.is_clean_for(call));
        let checked = clean.with_tracking(Tracking::Checks);
        assert!(!checked.is_clean_for(call) && !call.is_clean_for(call));
        let later = Word::new(State::Closed, 4).with_tracking(Tracking::Calls).without_recording();
        assert!(!later.is_clean_for(call));
    }

    #[test]
    fn a_generation_that_wraps_does_not_change_the_state() {
        assert_eq!(Word::new(State::Open, u64::MAX).state(), Some(State::Open));
    }

    #[test]
    fn a_tracked_word_is_lowered_with_its_run() {
        let plain = Word::new(State::Closed, 9).with_longer_run();
        let tracked = plain.with_tracking(Tracking::Calls);
        assert_eq!((tracked.lowered(Tracking::Run), tracked.lowered(Tracking::Calls)), (plain, tracked));
        let recording = plain.with_tracking(Tracking::Window);
        assert_eq!(tracked.without_recording().lowered(Tracking::Window), recording);
        for other in [plain, recording, plain.with_tracking(Tracking::Checks), Word::new(State::Open, 9)] {
            assert_eq!(other.lowered(Tracking::Run), other);
        }
    }
}
