//! What fits into 64 bits: a state, a run of failures (or "no place free"), a generation.
//!
//! ```text
//!  63 ............ 28  27 ........ 4   3 .. 0
//!  generation (36)     payload (24)    state
//! ```
//! The payload of the shared word is the number of failures in a row while Closed, and 1 while
//! HalfOpen without a free trial place. A trial's own word carries its place, from 2 up, and so is
//! equal to no shared word. `Busy` is no state: it tells readers to ask under the lock.
//!
//! What a circuit [`Keeps`] gives its Closed one of three numbers, so that a plain circuit need not ask
//! whether it is one. Where a success may have to enter a window, the shared word differs by one bit from
//! that of its calls; where each call has a clock or a place, Closed does not admit at first sight, and its
//! calls carry a number that equals no shared word.

use super::transition::State;

/// The longest run of failures that is counted.
pub(crate) const MAX_RUN: u32 = (1 << PAYLOAD_BITS) - 1;

/// The most trials at a time. The record looks through their places under its lock, and more than this
/// would be no trial.
pub(crate) const MAX_PLACES: u32 = 1024;

/// Generations count up to here and begin again.
pub(super) const MAX_GENERATION: u64 = u64::MAX >> (STATE_BITS + PAYLOAD_BITS);

const STATE_BITS: u32 = 4;
const PAYLOAD_BITS: u32 = 24;
const STATE: u64 = (1 << STATE_BITS) - 1;
const PAYLOAD: u64 = (MAX_RUN as u64) << STATE_BITS;
const ONE: u64 = 1 << STATE_BITS;
const FIRST_PLACE: u32 = 2;

// What admits without a second look has none of these bits.
const RESTRICTED: u64 = 0b0110;
const CLOSED: u64 = 0;
/// Of a circuit, never of a call: a success has something to write.
const CLOSED_WINDOWED: u64 = CLOSED | WINDOWED;
const WINDOWED: u64 = 1;
const OPEN: u64 = 2;
const HALF_OPEN: u64 = 3;
const FORCED_OPEN: u64 = 4;
const CLOSED_WATCHED: u64 = 5;
const BUSY: u64 = 6;
/// Of a call, never of a circuit.
const CALL_WATCHED: u64 = 7;
const DISABLED: u64 = 8;

/// What a circuit keeps about its calls while it is closed; each includes the ones above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Keeps {
    /// How many failed in a row.
    Run,
    /// Which failed lately.
    Window,
    /// When each began, or whether it has a place in the bulkhead.
    Calls,
}

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

    /// The state, or nothing while a change is being published.
    pub(super) const fn state(self) -> Option<State> {
        match self.0 & STATE {
            CLOSED | CLOSED_WINDOWED | CLOSED_WATCHED => Some(State::Closed),
            DISABLED => Some(State::Disabled),
            OPEN => Some(State::Open),
            HALF_OPEN => Some(State::HalfOpen),
            FORCED_OPEN => Some(State::ForcedOpen),
            _ => None,
        }
    }

    /// Closed and not watched, or Disabled.
    #[inline]
    pub(super) const fn admits_all(self) -> bool {
        self.0 & RESTRICTED == 0
    }

    /// The word of a call that goes through now, if all do.
    #[inline]
    pub(super) const fn free_call(self) -> Self {
        Self(self.0 & !(PAYLOAD | WINDOWED))
    }

    /// The same generation without failures.
    #[inline]
    pub(super) const fn without_run(self) -> Self {
        Self(self.0 & !PAYLOAD)
    }

    pub(super) const fn generation(self) -> u64 {
        self.0 >> (STATE_BITS + PAYLOAD_BITS)
    }

    pub(super) const fn run(self) -> u32 {
        if self.is_closed() { self.payload() } else { 0 }
    }

    const fn payload(self) -> u32 {
        // The mask keeps it within 24 bits.
        ((self.0 & PAYLOAD) >> STATE_BITS) as u32
    }

    pub(super) const fn with_one_more(self) -> Self {
        if self.run() == MAX_RUN { self } else { Self(self.0 + ONE) }
    }

    pub(super) const fn with_no_place(self) -> Self {
        Self(self.0 | ONE)
    }

    pub(super) const fn has_no_place(self) -> bool {
        self.0 & STATE == HALF_OPEN && self.0 & PAYLOAD != 0
    }

    /// The word of the trial in this place.
    pub(super) fn with_place(self, place: u32) -> Self {
        Self(self.0 | u64::from(place + FIRST_PLACE) << STATE_BITS)
    }

    /// The place of the trial whose word this is.
    pub(super) fn place(self) -> Option<u32> {
        if self.0 & STATE == HALF_OPEN { self.payload().checked_sub(FIRST_PLACE) } else { None }
    }

    /// Of a closed circuit, or of a call that a closed circuit let through.
    pub(super) const fn is_closed(self) -> bool {
        matches!(self.0 & STATE, CLOSED | CLOSED_WINDOWED | CLOSED_WATCHED | CALL_WATCHED)
    }

    /// The same circuit, if it keeps so much.
    pub(super) const fn keeping(self, keeps: Keeps) -> Self {
        match (self.0 & STATE, keeps) {
            (CLOSED, Keeps::Window) => Self(self.0 | CLOSED_WINDOWED),
            (CLOSED | CLOSED_WINDOWED, Keeps::Calls) => Self(self.0 | CLOSED_WATCHED),
            _ => self,
        }
    }

    /// The same circuit, if a success has nothing to write there.
    pub(super) const fn at_rest(self) -> Self {
        if self.0 & STATE == CLOSED_WINDOWED { Self(self.0 ^ WINDOWED) } else { self }
    }

    /// The word of a call that a watched circuit lets through because it is closed.
    #[inline]
    pub(super) const fn watched_call(self) -> Option<Self> {
        if self.0 & STATE == CLOSED_WATCHED { Some(Self(self.without_run().0 | CALL_WATCHED)) } else { None }
    }

    #[inline]
    pub(super) const fn is_watched_call(self) -> bool {
        self.0 & STATE == CALL_WATCHED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 5] =
        [State::Closed, State::Open, State::HalfOpen, State::ForcedOpen, State::Disabled];

    #[test]
    fn a_word_gives_back_what_was_packed() {
        for state in STATES {
            for generation in [0, 1, MAX_GENERATION] {
                let word = Word::new(state, generation);
                assert_eq!(word.state(), Some(state));
                assert_eq!(word.run(), 0);
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
        assert!(!Word::new(State::Closed, 9).keeping(Keeps::Calls).admits_all());
    }

    #[test]
    fn a_run_grows_by_one_and_stops_at_its_largest() {
        let clean = Word::new(State::Closed, 7);
        let mut word = clean;
        for run in 1..=1000 {
            word = word.with_one_more();
            assert_eq!(word.run(), run);
        }
        assert_eq!(word.without_run(), clean);
        let full = Word(clean.0 | PAYLOAD);
        assert_eq!(full.run(), MAX_RUN);
        assert_eq!(full.with_one_more(), full);
    }

    #[test]
    fn a_trial_carries_its_place_and_equals_no_shared_word() {
        let shared = Word::new(State::HalfOpen, 3);
        for place in [0, 1, 77, MAX_PLACES] {
            let trial = shared.with_place(place);
            assert_eq!(trial.place(), Some(place));
            assert_ne!(trial, shared);
            assert_ne!(trial, shared.with_no_place());
            assert_eq!(trial.generation(), 3);
        }
        assert_eq!(shared.place(), None);
        assert_eq!(shared.with_no_place().place(), None);
        assert_eq!(Word::new(State::Closed, 3).with_one_more().with_one_more().place(), None);
    }

    #[test]
    fn a_watched_circuit_is_closed_and_its_calls_equal_no_shared_word() {
        let shared = Word::new(State::Closed, 3).with_one_more().keeping(Keeps::Calls);
        assert_eq!((shared.state(), shared.run(), shared.generation()), (Some(State::Closed), 1, 3));
        assert!(!shared.admits_all());
        let call = shared.watched_call().expect("it is watched");
        assert!(call.is_closed());
        assert_eq!((call.state(), call.generation(), call.place()), (None, 3, None));
        assert_eq!(Word::new(State::Closed, 3).watched_call(), None);
        assert_eq!(Word::new(State::Disabled, 3).keeping(Keeps::Calls), Word::new(State::Disabled, 3));
    }

    #[test]
    fn a_circuit_with_a_window_differs_from_its_calls_unless_it_rests() {
        let plain = Word::new(State::Closed, 3);
        let shared = plain.with_one_more().keeping(Keeps::Window);
        assert_eq!((shared.state(), shared.run(), shared.generation()), (Some(State::Closed), 1, 3));
        assert!(shared.admits_all() && shared.free_call() == plain);
        assert_eq!(shared.without_run().at_rest(), plain);
        let watched = shared.keeping(Keeps::Calls);
        assert_eq!(watched, plain.with_one_more().keeping(Keeps::Calls));
        assert_eq!((watched.at_rest(), watched.keeping(Keeps::Window)), (watched, watched));
    }

    #[test]
    fn a_generation_that_wraps_leaves_the_state_alone() {
        assert_eq!(Word::new(State::Open, u64::MAX).state(), Some(State::Open));
    }
}
