//! How often a process exchanges with the store, in a fleet of this size.

use std::time::Duration;

/// The largest number of reports in one request.
pub(super) const MAX_REPORTS: usize = 500;

/// The time beyond some ticks for which a circuit is held open: longer than it takes to notice that the store is away.
const HOLD_MARGIN: Duration = Duration::from_secs(2);

/// Number of ticks for which a circuit is held open. Half of them are longer than one tick with its random part, so
/// that the circuit is held again before it may try the dependency by itself.
const HOLD_TICKS: u32 = 3;

/// Number of processes per interval between two exchanges: for twice as many, the interval is twice as long.
const PROCESSES_PER_TICK: u32 = 1000;

/// Number of reports that the store receives within the time between two exchanges, about half of what it can do.
const REPORTS_PER_TICK: usize = 20_000;

/// Number of reports that one request may contain in the largest fleet.
const MIN_REPORTS: usize = 20;

/// The intervals that follow from the size of the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pace {
    /// The interval between two exchanges in a small fleet.
    tick: Duration,
    /// Number of processes.
    alive: u32,
}

impl Pace {
    pub(super) const fn new(tick: Duration) -> Self {
        Self { tick, alive: 1 }
    }

    pub(super) const fn alive(self) -> u32 {
        self.alive
    }

    pub(super) fn set_alive(&mut self, alive: u32) {
        self.alive = alive.max(1);
    }

    /// Returns the interval between two exchanges. It grows from 2,000 processes on, so that the store receives 1,000
    /// to 2,000 requests per second with the default interval.
    pub(super) fn tick(self) -> Duration {
        self.tick.saturating_mul((self.alive / PROCESSES_PER_TICK).clamp(1, 15))
    }

    /// Returns how long a circuit is held open at a time.
    pub(super) fn hold(self) -> Duration {
        self.tick().saturating_mul(HOLD_TICKS).saturating_add(HOLD_MARGIN)
    }

    /// Returns the random wait that keeps the processes of a large fleet from reporting all at once: 10,000 requests
    /// per second at most. Most of them do not report, because others have done so before. If the fleet is concerned
    /// with many circuits, requests are longer, and the wait is up to ten times as long.
    pub(super) fn spread(self, circuits: usize) -> Duration {
        let factor = u32::try_from(circuits / 2).unwrap_or(u32::MAX).clamp(1, 10);
        Duration::from_micros(100).saturating_mul(self.alive.min(PROCESSES_PER_TICK * 15) * factor)
    }

    /// Returns the largest number of reports in one request. The reports of ten processes are enough to open a circuit,
    /// so each process of a large fleet reports a few circuits at a time.
    pub(super) fn max_reports(self) -> usize {
        (REPORTS_PER_TICK / self.alive as usize).clamp(MIN_REPORTS, MAX_REPORTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::protocol::REQUEST_TIME;

    #[test]
    fn a_circuit_is_held_again_before_its_hold_ends() {
        for alive in [1, 1_000, 10_000, 1_000_000] {
            let mut pace = Pace::new(Duration::from_secs(1));
            pace.set_alive(alive);
            let longest = pace.tick().mul_f64(1.2) + REQUEST_TIME;
            assert!(pace.hold() / 2 > longest, "{alive}");
        }
    }
}
