//! One process of a simulation.

use std::collections::BTreeMap;
use std::time::Duration;

use breaker_fleet_tests::local_circuit::LocalCircuit;
use breaker_runtime::fleet::coordinator::Coordinator;
use breaker_runtime::fleet::protocol::{InstanceId, SharedName};

const TICK: Duration = Duration::from_secs(1);

/// A process. Its clock started at another time than that of the simulation, and is too fast or too slow.
pub(crate) struct Peer {
    pub(crate) coordinator: Coordinator,
    /// The circuits that have failed, or of which the fleet has asked.
    pub(crate) circuits: BTreeMap<SharedName, LocalCircuit>,
    /// Number of times that the process was started.
    pub(crate) life: u32,
    /// Number of exchanges so far.
    pub(crate) exchange: u64,
    pub(crate) is_waiting: bool,
    pub(crate) server: Option<u32>,
    /// The time of the next timer.
    pub(crate) planned: u64,
    clock: DriftingClock,
}

/// The clock of one process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DriftingClock {
    /// What the clock shows at the time 0, in microseconds.
    pub(crate) offset: u64,
    /// Microseconds that the clock shows for each second.
    pub(crate) rate: u64,
}

impl Peer {
    pub(crate) fn new(index: usize, life: u32, seed: u64, clock: DriftingClock, now: u64) -> Self {
        let instance = InstanceId::new(&format!("p{index}"), life.into());
        Self {
            coordinator: Coordinator::new(instance, seed, TICK, clock.local(now)),
            circuits: BTreeMap::new(),
            life,
            exchange: 0,
            is_waiting: false,
            server: None,
            planned: u64::MAX,
            clock,
        }
    }

    pub(crate) const fn clock(&self) -> DriftingClock {
        self.clock
    }

    /// Returns the time of the simulation at which the coordinator must be called.
    pub(crate) fn next_step(&self) -> u64 {
        self.clock.global(self.coordinator.next_step())
    }
}

impl DriftingClock {
    /// Returns what the clock shows.
    pub(crate) fn local(self, now: u64) -> Duration {
        Duration::from_micros(
            self.offset + now / 1_000_000 * self.rate + now % 1_000_000 * self.rate / 1_000_000,
        )
    }

    pub(crate) fn local_millis(self, now: u64) -> u64 {
        u64::try_from(self.local(now).as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the first time at which the clock shows this or more.
    fn global(self, local: Duration) -> u64 {
        let micros =
            u64::try_from(local.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX).saturating_sub(self.offset);
        let mut now = micros / self.rate * 1_000_000 + micros % self.rate * 1_000_000 / self.rate;
        while self.local(now) < local {
            now += 1;
        }
        now
    }
}
