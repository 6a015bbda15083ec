//! The gate of all circuits of a keyed breaker: a drill that fails or delays their calls.

use std::sync::Arc;

use super::KeyedBreaker;
use crate::breaker::Gate;
use crate::clock::Clock;
use crate::config::CircuitId;
use crate::drill::ActiveDrill;
use crate::event::Event;
use crate::sync::lock;

#[allow(dead_code, reason = "only the feature `chaos` sets gates")]
impl KeyedBreaker {
    /// Sets the gate of all circuits, also of those that are created later. Returns the gates that it replaces, which
    /// may contain one several times. The caller ends them.
    pub(crate) fn set_gate(&self, gate: &Arc<Gate>) -> Vec<Arc<Gate>> {
        // A circuit that is created from now on has the gate, and `iter` returns every other one.
        let replaced = lock(&self.shared.table).gate.replace(Arc::clone(gate));
        let of_circuits = self.iter().filter_map(|circuit| circuit.circuit().set_gate(Arc::clone(gate)));
        let mut gates: Vec<_> = replaced.into_iter().chain(of_circuits).collect();
        gates.retain(|other| !Arc::ptr_eq(other, gate));
        gates
    }

    /// Removes this gate from all circuits.
    pub(crate) fn remove_gate(&self, gate: &Arc<Gate>) {
        let mut table = lock(&self.shared.table);
        let removed = table.gate.take_if(|current| Arc::ptr_eq(current, gate));
        drop(table);
        drop(removed);
        self.for_each(|circuit| circuit.circuit().remove_gate(gate));
    }

    /// Removes the gates of all circuits, and returns them. They may contain one several times.
    pub(crate) fn take_gates(&self) -> Vec<Arc<Gate>> {
        let of_all = lock(&self.shared.table).gate.take();
        let of_circuits = self.iter().filter_map(|circuit| circuit.circuit().take_gate());
        of_all.into_iter().chain(of_circuits).collect()
    }

    /// Notifies the listeners of the registry. No lock may be held.
    pub(crate) fn notify_listeners_of(&self, event: &Event) {
        self.shared.hub.notify(event);
    }

    pub(crate) fn id(&self) -> CircuitId {
        CircuitId { name: self.shared.group.name().clone(), key: None }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Returns what is known about the drill of all circuits, if one is running.
    pub(super) fn drill(&self) -> Option<ActiveDrill> {
        let gate = lock(&self.shared.table).gate.clone();
        gate?.status(&self.shared.clock)
    }
}
