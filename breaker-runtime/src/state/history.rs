//! What a circuit went through: its changes, counted, the last one whole, and how long it was open.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::transition::{State, Transition};
use crate::random;

/// How often a circuit went from each state to each other.
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

#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) last: Option<Arc<Transition>>,
    pub(crate) changes: TransitionCounts,
    pub(crate) time_open: Duration,
    /// What listeners are still to be told, oldest first.
    pub(super) news: VecDeque<Arc<Transition>>,
    /// What chance says about the next opening. Drawn before it happens, so that all who look at an
    /// expired lease, and nobody has changed anything yet, see the same.
    draw: f64,
}

impl TransitionCounts {
    pub(crate) fn add(&mut self, other: Self) {
        for (sum, count) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            *sum += count;
        }
    }

    /// From one state to another; to the same one, when an operator began it anew.
    #[must_use]
    pub fn count(&self, from: State, to: State) -> u64 {
        self.0.get(from as usize).and_then(|row| row.get(to as usize)).copied().unwrap_or_default()
    }

    /// From any state to this one.
    #[must_use]
    pub fn to(&self, state: State) -> u64 {
        self.0.iter().filter_map(|row| row.get(state as usize)).sum()
    }
}

impl History {
    pub(super) fn new() -> Self {
        let (last, changes, news) = (None, TransitionCounts::default(), VecDeque::new());
        Self { last, changes, time_open: Duration::ZERO, news, draw: random::fraction() }
    }

    /// A change after a state that `lasted` so long.
    pub(super) fn add(&mut self, change: Arc<Transition>, lasted: Duration) {
        if let Some(row) = self.changes.0.get_mut(change.from as usize)
            && let Some(count) = row.get_mut(change.to as usize)
        {
            *count += 1;
        }
        self.add_time(change.from, lasted);
        self.news.push_back(Arc::clone(&change));
        self.last = Some(change);
    }

    /// As it is after this state has lasted so long.
    pub(super) fn until(mut self, state: State, lasted: Duration) -> Self {
        self.add_time(state, lasted);
        self
    }

    /// What chance says about an opening now; draws for the next one.
    pub(super) fn draw(&mut self) -> f64 {
        std::mem::replace(&mut self.draw, random::fraction())
    }

    fn add_time(&mut self, state: State, lasted: Duration) {
        if matches!(state, State::Open | State::ForcedOpen) {
            self.time_open = self.time_open.saturating_add(lasted);
        }
    }
}
