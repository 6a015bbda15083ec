//! The time of a coordinator: the time since it began.

use std::time::Duration;

use crate::clock::{Clock, Moment, Sleep};

/// The clock of a coordinator.
#[derive(Clone, Debug)]
pub(super) struct FleetClock {
    clock: Clock,
    start: Moment,
}

impl FleetClock {
    /// Returns a clock that begins now. It follows the system, and tokio's clock while a test pauses that.
    pub(super) fn starting_now() -> Self {
        let clock = Clock::default();
        Self { start: clock.now(), clock }
    }

    /// Returns the time since the start.
    pub(super) fn now(&self) -> Duration {
        self.clock.now().since(self.start)
    }

    /// Returns a future that completes at this time. It must be called in a tokio runtime with timers.
    pub(super) fn alarm(&self, at: Duration) -> Sleep {
        self.clock.alarm(at.saturating_sub(self.now())).unwrap_or(Sleep::Never)
    }
}
