//! The time at which the next delivery may start, also in a later drain of the same queue.
//!
//! It does not know circuits or stores.

use std::time::Duration;

use crate::clock::Moment;
use crate::sync::{Mutex, lock};

#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<PaceState>);

#[derive(Debug, Default)]
struct PaceState {
    last_start: Option<Moment>,
    /// The end of the pause after the last failed delivery.
    pause_end: Option<Moment>,
    /// Failed deliveries in a row.
    failures: u32,
}

impl Pace {
    /// Returns how long the first delivery of a drain with this interval must wait.
    pub(super) fn first_wait(&self, now: Moment, interval: Duration) -> Duration {
        let state = lock(&self.0);
        let interval_end = state.last_start.map(|start| start.after(interval));
        interval_end.max(state.pause_end).map_or(Duration::ZERO, |end| end.since(now))
    }

    /// Returns the number of failed deliveries in a row.
    pub(super) fn failures(&self) -> u32 {
        lock(&self.0).failures
    }

    pub(super) fn started(&self, now: Moment) {
        lock(&self.0).last_start = Some(now);
    }

    /// Records that a delivery failed, as the last one of `failures` in a row.
    pub(super) fn failed(&self, failures: u32, pause_end: Moment) {
        let mut state = lock(&self.0);
        state.failures = failures;
        state.pause_end = Some(pause_end);
    }

    pub(super) fn succeeded(&self) {
        let mut state = lock(&self.0);
        state.failures = 0;
        state.pause_end = None;
    }
}
