//! The history of a circuit: its counted state changes, its last transition, and the time it was open.
//!
//! It records transitions, and does not decide them.

use std::sync::Arc;
use std::time::Duration;

use super::transition::{State, Transition};

/// The state changes of a circuit, counted by origin and target state.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, State};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// breaker.force_open();
/// breaker.release();
/// let changes = breaker.snapshot().changes;
/// assert_eq!(changes.count(State::ForcedOpen, State::Closed), 1);
/// assert_eq!(changes.to(State::ForcedOpen), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransitionCounts([[u64; 5]; 5]);

/// The transitions of one circuit so far.
#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) last: Option<Arc<Transition>>,
    pub(crate) changes: TransitionCounts,
    pub(crate) time_open: Duration,
    /// Random number from 0 to 1 for the jitter of the next opening. It is drawn before the opening, so that
    /// every observer of an expired lease computes the same recovery time.
    jitter_draw: f64,
}

impl TransitionCounts {
    pub(crate) fn add(&mut self, other: Self) {
        for (sum, count) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            *sum += count;
        }
    }

    /// Returns the number of changes from one state to another. The number from a state to itself is how
    /// often an operator restarted that state.
    #[must_use]
    pub fn count(&self, from: State, to: State) -> u64 {
        self.0.get(from as usize).and_then(|row| row.get(to as usize)).copied().unwrap_or_default()
    }

    /// Returns the number of changes to a state, from any state.
    #[must_use]
    pub fn to(&self, state: State) -> u64 {
        self.0.iter().filter_map(|row| row.get(state as usize)).sum()
    }
}

impl History {
    pub(super) fn new() -> Self {
        let (last, changes) = (None, TransitionCounts::default());
        Self { last, changes, time_open: Duration::ZERO, jitter_draw: fastrand::f64() }
    }

    /// Adds a transition. Its origin state lasted `time_in_state`.
    pub(super) fn add(&mut self, transition: Arc<Transition>, time_in_state: Duration) {
        if let Some(row) = self.changes.0.get_mut(transition.from as usize)
            && let Some(count) = row.get_mut(transition.to as usize)
        {
            *count += 1;
        }
        self.add_time(transition.from, time_in_state);
        self.last = Some(transition);
    }

    /// Returns the history including the current state, which has lasted `time_in_state`.
    pub(super) fn until(mut self, state: State, time_in_state: Duration) -> Self {
        self.add_time(state, time_in_state);
        self
    }

    /// Returns the random number for an opening now, and draws the one for the next opening.
    pub(super) fn draw_jitter(&mut self) -> f64 {
        std::mem::replace(&mut self.jitter_draw, fastrand::f64())
    }

    /// Adds the time in a state to the time open, if the state is an open one.
    fn add_time(&mut self, state: State, time: Duration) {
        if matches!(state, State::Open | State::ForcedOpen) {
            self.time_open = self.time_open.saturating_add(time);
        }
    }
}
