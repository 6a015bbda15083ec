//! The calls of a circuit with a gate: the gate decides after the admission of each one whether it runs.
//!
//! Permits and sync calls pass it here; `delayed_call.rs` delays the calls that do not block a thread.

use std::sync::Arc;

use super::CircuitBreaker;
use super::admission::Admission;
use super::circuit::Circuit;
use super::gate::{AfterDelay, Gate, GateSlot, Passage};
use crate::clock::BlockedTime;
use crate::drill::{ActiveDrill, DrillEnd};
use crate::error::ErrorKind;
use crate::state::Tracking;
use crate::sync::blocked_thread::BlockedThread;
use crate::totals::{Rare, Total};

impl Circuit {
    /// Sets the gate of the circuit, and returns the one that it replaces. The caller ends that one.
    #[allow(dead_code, reason = "only the feature `chaos` sets gates")]
    pub(crate) fn set_gate(&self, gate: Arc<Gate>) -> Option<Arc<Gate>> {
        let replaced = self.gate_slot().replace(gate);
        // From now on, no call is admitted on the fast path or by its bulkhead slot alone. The level is never lowered.
        self.machine.track(Tracking::Checks);
        replaced
    }

    /// Removes the gate, and returns it.
    #[allow(dead_code, reason = "only the feature `chaos` sets gates")]
    pub(crate) fn take_gate(&self) -> Option<Arc<Gate>> {
        let gate = self.gate()?;
        self.remove_gate(&gate);
        Some(gate)
    }

    /// Removes the gate of this circuit alone, and returns it. A gate of all keys stays.
    pub(crate) fn take_own_gate(&self) -> Option<Arc<Gate>> {
        let gate = self.gate().filter(|gate| !gate.is_of_all_keys())?;
        self.remove_gate(&gate);
        Some(gate)
    }

    /// Ends the gate of this circuit alone, which was evicted or removed, and notifies listeners. No lock may be held.
    pub(crate) fn end_own_gate(&self) {
        let Some(gate) = self.take_own_gate() else {
            return;
        };
        let was_running = gate.status(&self.clock).is_some();
        if gate.end() {
            let end = if was_running { DrillEnd::Removed } else { DrillEnd::Elapsed };
            self.notify_listeners_of(&gate.ended(end));
        }
    }

    /// Removes a gate that has ended, unless another one has replaced it.
    pub(crate) fn remove_gate(&self, gate: &Arc<Gate>) {
        if let Some(slot) = self.existing_gate_slot() {
            slot.remove(gate);
        }
    }

    /// Returns what is known about the drill of the circuit, if one is running.
    pub(crate) fn drill(&self) -> Option<ActiveDrill> {
        self.gate()?.status(&self.clock)
    }

    /// Returns `true` if the circuit has a gate.
    #[inline]
    pub(super) fn is_gated(&self) -> bool {
        self.existing_gate_slot().is_some_and(GateSlot::is_set)
    }

    /// Decides about a call of a circuit with a gate. A call of a disabled circuit passes. Ends the gate if its time is
    /// over; calls that listeners make then run in the slot of this call.
    #[cold]
    #[inline(never)]
    pub(super) fn passage(&self, Admission(call): &mut Admission<'_>) -> Passage {
        // A call that waited may have been admitted because the circuit was disabled.
        if !call.ticket.is_tracked() && !call.ticket.is_shadow() {
            return Passage::RUN;
        }
        let Some(gate) = self.gate() else {
            return Passage::RUN;
        };
        if gate.status(&self.clock).is_some() {
            return gate.decide();
        }
        self.remove_gate(&gate);
        if gate.end() {
            call.run_in_scope(|| self.notify_listeners_of(&gate.ended(DrillEnd::Elapsed)));
        }
        Passage::RUN
    }

    /// Lets the call of a permit pass the gate. It is not delayed.
    #[inline]
    pub(super) fn pass_now<'a>(&'a self, mut call: Admission<'a>) -> Result<Admission<'a>, ErrorKind> {
        if !self.is_gated() {
            return Ok(call);
        }
        let Passage { then, .. } = self.passage(&mut call);
        call.finish_passage(then)
    }

    /// Lets a call pass the gate, and blocks the thread while it is delayed.
    #[inline]
    pub(super) fn pass_blocking<'a>(&'a self, call: Admission<'a>) -> Result<Admission<'a>, ErrorKind> {
        if self.is_gated() { self.pass_gate_blocking(call) } else { Ok(call) }
    }

    #[cold]
    #[inline(never)]
    fn pass_gate_blocking<'a>(&'a self, mut call: Admission<'a>) -> Result<Admission<'a>, ErrorKind> {
        let Passage { delay, then } = self.passage(&mut call);
        if !delay.is_zero() {
            self.count_delay();
            let (time, thread) = (BlockedTime::new(&self.clock), BlockedThread::new());
            let until = time.now().after(delay);
            while time.now() < until {
                time.block_until(until, &thread);
            }
        }
        call.finish_passage(then)
    }

    /// Counts a call that is delayed.
    pub(super) fn count_delay(&self) {
        self.counters.add(Total::Rare(Rare::Delayed));
    }

    fn gate(&self) -> Option<Arc<Gate>> {
        self.existing_gate_slot().filter(|slot| slot.is_set())?.get()
    }
}

impl CircuitBreaker {
    /// Gives a new circuit this gate, unless that has ended.
    pub(crate) fn with_gate(self, gate: Option<&Arc<Gate>>) -> Self {
        if let Some(gate) = gate.filter(|gate| gate.status(self.circuit.clock()).is_some()) {
            _ = self.circuit.set_gate(Arc::clone(gate));
        }
        self
    }
}

impl Admission<'_> {
    /// Ends the passage of a call after its delay. The injected failure settles the call.
    #[cold]
    #[inline(never)]
    pub(super) fn finish_passage(self, then: AfterDelay) -> Result<Self, ErrorKind> {
        match then {
            AfterDelay::Run => Ok(self),
            AfterDelay::Fail => {
                self.fail_injected();
                Err(ErrorKind::Injected)
            }
            AfterDelay::TimeOut => {
                self.time_out();
                Err(ErrorKind::TimedOut)
            }
        }
    }
}
