//! A gate between the admission of a call and its body: a drill that fails or delays a share of the calls.
//!
//! Only a circuit that has or had a gate pays for one: its word sends the calls of a closed circuit off the fast path,
//! and a gate is found among the parts that few circuits have. A disabled circuit admits its calls without its gate.
//! This module does not know who sets a gate.
//!
//! Invariant: a gate is ended once, by its time, by its owner, by the gate that replaces it or by the removal of its circuit.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Moment};
use crate::config::CircuitId;
use crate::drill::{ActiveDrill, DrillEnd, Fault};
use crate::event::{DrillEnded, Event};
use crate::sync::{AtomicU32, Mutex, Ordering, lock};

/// A drill of one circuit, or of all circuits of a keyed breaker.
#[derive(Debug)]
pub(crate) struct Gate {
    circuits: GatedCircuits,
    fault: Fault,
    ends: Moment,
    initiator: Arc<str>,
    random: Mutex<fastrand::Rng>,
    /// 1 once the gate has ended.
    ended: AtomicU32,
}

/// The circuits of a gate.
#[allow(dead_code, reason = "only the feature `chaos` sets gates")]
#[derive(Clone, Debug)]
pub(crate) enum GatedCircuits {
    One(CircuitId),
    /// All circuits of a keyed breaker, which is named without a key.
    OfAllKeys(CircuitId),
}

/// The gate of a circuit, if it has one.
#[derive(Debug, Default)]
pub(super) struct GateSlot {
    /// 1 if there is a gate, which may have ended.
    is_set: AtomicU32,
    gate: Mutex<Option<Arc<Gate>>>,
}

/// The delay of an admitted call, and the step that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    pub(super) delay: Duration,
    pub(super) then: AfterDelay,
}

/// The step that follows the delay of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterDelay {
    Run,
    Fail,
    /// The delay was the time limit of the call.
    TimeOut,
}

/// The end of the delay of a call, and what follows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct DelayEnd {
    /// The end of the delay. Its timer ends earlier if its runtime shuts down.
    until: Moment,
    then: AfterDelay,
    /// The time limit of the call after the delay. Zero if the delay lasts until the time limit.
    limit: Option<Duration>,
}

impl Gate {
    /// Creates a gate that ends at a moment. Gates with the same seed decide the same about their first calls.
    #[allow(dead_code, reason = "only the feature `chaos` sets gates")]
    pub(crate) fn new(
        circuits: GatedCircuits,
        fault: Fault,
        ends: Moment,
        initiator: Arc<str>,
        seed: Option<u64>,
    ) -> Self {
        let random = seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self { circuits, fault, ends, initiator, random: Mutex::new(random), ended: AtomicU32::new(0) }
    }

    /// Ends the gate. Returns `true` for the first caller, which notifies listeners.
    pub(crate) fn end(&self) -> bool {
        self.ended.swap(1, Ordering::Relaxed) == 0
    }

    /// Returns `true` if this is the gate of all circuits of a keyed breaker.
    pub(crate) const fn is_of_all_keys(&self) -> bool {
        match self.circuits {
            GatedCircuits::One(_) => false,
            GatedCircuits::OfAllKeys(_) => true,
        }
    }

    /// Returns the event of the end of the gate.
    pub(crate) fn ended(&self, end: DrillEnd) -> Event {
        let (GatedCircuits::One(id) | GatedCircuits::OfAllKeys(id)) = &self.circuits;
        Event::DrillEnded(DrillEnded::new(id.clone(), self.fault, end))
    }

    /// Returns what is known about the drill, unless it has ended.
    pub(crate) fn status(&self, clock: &Clock) -> Option<ActiveDrill> {
        let remaining = self.ends.since(clock.now());
        let is_running = !remaining.is_zero() && self.ended.load(Ordering::Relaxed) == 0;
        is_running.then(|| ActiveDrill {
            fault: self.fault,
            remaining,
            initiator: Arc::clone(&self.initiator),
        })
    }

    /// Decides about a call.
    pub(super) fn decide(&self) -> Passage {
        let Fault { fail, delay, delay_share } = self.fault;
        let mut random = lock(&self.random);
        // Both are drawn for each call, so that one share does not change the calls that the other one selects.
        let (for_failure, for_delay) = (random.f64(), random.f64());
        drop(random);
        let delay = if for_delay < delay_share { delay } else { Duration::ZERO };
        Passage { delay, then: if for_failure < fail { AfterDelay::Fail } else { AfterDelay::Run } }
    }
}

impl GateSlot {
    #[inline]
    pub(super) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Relaxed) == 1
    }

    /// Returns the gate.
    pub(super) fn get(&self) -> Option<Arc<Gate>> {
        lock(&self.gate).clone()
    }

    /// Sets the gate, and returns the one that it replaces.
    pub(super) fn replace(&self, gate: Arc<Gate>) -> Option<Arc<Gate>> {
        let mut slot = lock(&self.gate);
        self.is_set.store(1, Ordering::Relaxed);
        slot.replace(gate)
    }

    /// Removes this gate, unless another one has replaced it.
    pub(super) fn remove(&self, gate: &Arc<Gate>) {
        let mut slot = lock(&self.gate);
        if slot.as_ref().is_some_and(|current| Arc::ptr_eq(current, gate)) {
            self.is_set.store(0, Ordering::Relaxed);
            let removed = slot.take();
            drop(slot);
            drop(removed);
        }
    }
}

impl Passage {
    pub(super) const RUN: Self = Self { delay: Duration::ZERO, then: AfterDelay::Run };
}

impl DelayEnd {
    pub(super) const fn new(until: Moment, then: AfterDelay, limit: Option<Duration>) -> Self {
        Self { until, then, limit }
    }

    /// Returns the time limit of the call from now on. It includes the rest of a delay that ended early.
    pub(super) fn limit_now(&self, clock: &Clock) -> Option<Duration> {
        self.limit.map(|limit| limit.saturating_add(self.until.since(clock.now())))
    }

    /// Returns `true` if the call has a time limit after the delay.
    pub(super) const fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Returns what follows the delay if the time limit of the call allows it.
    pub(super) const fn then(&self) -> AfterDelay {
        self.then
    }
}

impl AfterDelay {
    /// Returns what happens to a call whose time limit after the delay is `limit`.
    pub(super) fn within(self, limit: Option<Duration>) -> Self {
        if limit.is_some_and(|limit| limit.is_zero()) { Self::TimeOut } else { self }
    }
}
