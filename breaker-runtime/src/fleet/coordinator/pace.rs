//! The intervals at which a process exchanges with the store, in a fleet of this size.

use std::time::Duration;

use super::demand::WINDOW;
use super::link::MAX_RETRY;
use crate::fleet::protocol::{MAX_REQUEST_TIME, REQUEST_TIME};

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

/// The time for which a process waits for a reply, for each process of the fleet. Many of them may send requests at
/// once, or share a machine.
const REQUEST_TIME_PER_PROCESS: Duration = Duration::from_millis(1);

/// Number of timeouts after which the store counts as away.
const TIMEOUTS: u32 = 3;

/// Number of circuits, and number of processes, for which circuits are looked at in the shortest interval. If there are
/// more of both, the intervals are longer. In a smaller fleet, each process can look at many circuits.
const CIRCUITS_PER_INTERVAL: usize = 25;
const PROCESSES_PER_INTERVAL: usize = 25;

/// Maximum factors by which the intervals grow while circuits are due, while they are not, and between two holds.
const MAX_STRETCH: usize = 40;
const MAX_IDLE_STRETCH: u32 = 10;
const MAX_HOLD_STRETCH: u32 = 6;

/// The intervals at which circuits are looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct LookIntervals {
    /// The interval while the calls of the circuit matter, and the longest time before a circuit is due at which the
    /// number of its rejected calls is taken.
    pub(super) tick: Duration,
    /// The interval while trial calls run.
    pub(super) trial: Duration,
    /// The interval while the circuit is due, and waits for a rejected call or a lease.
    pub(super) due: Duration,
    /// The interval while nothing is expected. A look finds out that the circuit was removed, or has other settings.
    pub(super) idle: Duration,
}

/// The intervals that follow from the size of the fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pace {
    /// The interval between two exchanges in a small fleet.
    tick: Duration,
    /// Number of processes.
    alive: u32,
    /// The time at which the store was connected last.
    connected: Duration,
    /// Number of circuits that the fleet is concerned with in this process.
    circuits: usize,
}

impl Pace {
    pub(super) const fn new(tick: Duration) -> Self {
        Self { tick, alive: 1, connected: Duration::ZERO, circuits: 0 }
    }

    pub(super) const fn alive(self) -> u32 {
        self.alive
    }

    pub(super) fn set_alive(&mut self, alive: u32) {
        self.alive = alive.max(1);
    }

    pub(super) const fn set_connected(&mut self, now: Duration) {
        self.connected = now;
    }

    /// Returns `true` once all processes have had the time to connect to the store since this one has. After an outage
    /// of the store, they come back one after the other.
    pub(super) fn is_complete(self, now: Duration) -> bool {
        now.saturating_sub(self.connected) >= MAX_RETRY + self.tick()
    }

    pub(super) const fn set_circuits(&mut self, circuits: usize) {
        self.circuits = circuits;
    }

    /// Returns the interval between two exchanges. It grows from 2,000 processes on, so that the store receives 1,000
    /// to 2,000 requests per second with the default interval.
    pub(super) fn tick(self) -> Duration {
        self.tick.saturating_mul((self.alive / PROCESSES_PER_TICK).clamp(1, 15))
    }

    /// Returns how long a process of a fleet of this size waits for a reply at least.
    pub(super) fn request_time(self) -> Duration {
        REQUEST_TIME_PER_PROCESS.saturating_mul(self.alive).clamp(REQUEST_TIME, MAX_REQUEST_TIME)
    }

    /// Returns how long a circuit is held open at a time. It is longer if there are many, because each hold changes the
    /// circuit.
    pub(super) fn hold(self) -> Duration {
        let longer = self.request_time().saturating_sub(REQUEST_TIME).saturating_mul(TIMEOUTS);
        let margin = HOLD_MARGIN.saturating_add(longer);
        let shortest = self.tick().saturating_mul(HOLD_TICKS).saturating_add(margin);
        shortest.saturating_mul(self.stretch().min(MAX_HOLD_STRETCH))
    }

    /// Returns the random wait that keeps the processes of a large fleet from reporting all at once: 10,000 requests
    /// per second at most. Most of them do not report, because others have done so before. If the fleet is concerned
    /// with many circuits, requests are longer, and the wait is up to ten times as long.
    pub(super) fn spread(self) -> Duration {
        let factor = u32::try_from(self.circuits / 2).unwrap_or(u32::MAX).clamp(1, 10);
        Duration::from_micros(100).saturating_mul(self.alive.min(PROCESSES_PER_TICK * 15) * factor)
    }

    /// Returns how often circuits are looked at. In a large fleet, it is enough that some processes look at a circuit
    /// that is due: the lease goes to the first one with a rejected call.
    pub(super) fn looks(self) -> LookIntervals {
        let stretch = self.stretch();
        let tick = self.tick();
        let trial = tick.min(Duration::from_millis(WINDOW));
        LookIntervals {
            tick,
            trial,
            due: trial.saturating_mul(stretch),
            idle: tick.saturating_mul(stretch.min(MAX_IDLE_STRETCH)),
        }
    }

    /// Returns how many times longer the intervals are because of the number of circuits.
    fn stretch(self) -> u32 {
        let circuits = self.circuits / CIRCUITS_PER_INTERVAL;
        let processes = self.alive as usize / PROCESSES_PER_INTERVAL;
        u32::try_from(circuits.min(processes).clamp(1, MAX_STRETCH)).unwrap_or(1)
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

    #[test]
    fn a_circuit_is_held_again_before_its_hold_ends() {
        for alive in [1, 1_000, 10_000, 1_000_000] {
            let mut pace = Pace::new(Duration::from_secs(1));
            pace.set_alive(alive);
            let longest = pace.tick().mul_f64(1.2) + MAX_REQUEST_TIME;
            assert!(pace.hold() / 2 > longest, "{alive}");
        }
    }

    #[test]
    fn a_process_of_a_large_fleet_waits_longer_for_a_reply() {
        for (alive, millis) in [(1, 150), (150, 150), (500, 500), (1_000, 1_000), (u32::MAX, 1_000)] {
            let mut pace = Pace::new(Duration::from_secs(1));
            pace.set_alive(alive);
            assert_eq!(pace.request_time(), Duration::from_millis(millis), "{alive}");
        }
    }
}
