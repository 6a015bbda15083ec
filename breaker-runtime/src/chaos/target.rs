//! The circuits of a drill: one, or those of all keys of a breaker.

use std::sync::Arc;

use super::error::DrillError;
use super::similar::similar_names;
use crate::breaker::{CircuitBreaker, Gate, GatedCircuits};
use crate::clock::Clock;
use crate::config::CircuitId;
use crate::drill::DrillEnd;
use crate::event::{Announcement, Event};
use crate::registry::{AnyBreaker, KeyedBreaker, MAX_KEY_BYTES, Registry, RegistryEntry};

/// The circuits of a drill.
#[derive(Clone)]
pub(super) enum Target {
    Circuit(CircuitBreaker),
    AllKeys(KeyedBreaker),
}

impl Target {
    /// Finds the breaker with this name.
    pub(super) fn find(registry: &Registry, name: &str) -> Result<Self, DrillError> {
        match registry.store().get(name) {
            Some(AnyBreaker::Single(breaker)) => Ok(Self::Circuit(breaker)),
            Some(AnyBreaker::Keyed(breaker)) => Ok(Self::AllKeys(breaker)),
            None => {
                let entries = registry.entries();
                let similar = similar_names(name, entries.iter().map(RegistryEntry::name));
                Err(DrillError::UnknownCircuit { name: name.to_owned(), similar })
            }
        }
    }

    /// Finds the circuit of a key. Creates it if the key has none.
    pub(super) fn find_key(registry: &Registry, name: &str, key: &str) -> Result<Self, DrillError> {
        let breaker = find_keyed(registry, name)?;
        if key.len() > MAX_KEY_BYTES {
            return Err(DrillError::KeyTooLong { name: name.to_owned(), length: key.len() });
        }
        let circuit = breaker.get(key);
        if circuit.key() == Some(key) {
            Ok(Self::Circuit(circuit))
        } else {
            Err(DrillError::NoCircuitForKey { name: name.to_owned(), key: key.to_owned() })
        }
    }

    /// Finds the circuit of a key, if it exists.
    pub(super) fn find_existing_key(
        registry: &Registry,
        name: &str,
        key: &str,
    ) -> Result<Option<Self>, DrillError> {
        Ok(find_keyed(registry, name)?.find(key).map(Self::Circuit))
    }

    /// Sets the gate of the circuits. Returns those that it replaces, each once for each of its circuits.
    pub(super) fn set_gate(&self, gate: &Arc<Gate>) -> Vec<Arc<Gate>> {
        match self {
            Self::Circuit(breaker) => {
                let replaced = breaker.circuit().set_gate(Arc::clone(gate));
                // That of all keys goes on in the circuits of the other keys.
                replaced.into_iter().filter(|gate| !gate.is_of_all_keys()).collect()
            }
            Self::AllKeys(breaker) => breaker.set_gate(gate),
        }
    }

    /// Removes this gate.
    pub(super) fn remove_gate(&self, gate: &Arc<Gate>) {
        match self {
            Self::Circuit(breaker) => breaker.circuit().remove_gate(gate),
            Self::AllKeys(breaker) => breaker.remove_gate(gate),
        }
    }

    /// Removes all gates, and returns those that end.
    pub(super) fn take_gates(&self) -> Vec<Arc<Gate>> {
        match self {
            Self::Circuit(breaker) => {
                // That of all keys goes on.
                breaker.circuit().take_own_gate().into_iter().collect()
            }
            Self::AllKeys(breaker) => breaker.take_gates(),
        }
    }

    /// Ends gates. Returns the event of each one that had not ended.
    pub(super) fn end(&self, gates: Vec<Arc<Gate>>, end: DrillEnd) -> Vec<Event> {
        let event = |gate: Arc<Gate>| {
            let was_running = gate.status(self.clock()).is_some();
            gate.end().then(|| gate.ended(if was_running { end } else { DrillEnd::Elapsed }))
        };
        gates.into_iter().filter_map(event).collect()
    }

    /// Returns the announcement of these events.
    pub(super) fn announcement(&self, events: Vec<Event>) -> Announcement {
        let target = self.clone();
        Announcement::new(move || events.iter().for_each(|event| target.notify(event)))
    }

    fn notify(&self, event: &Event) {
        match self {
            Self::Circuit(breaker) => breaker.circuit().notify_listeners_of(event),
            Self::AllKeys(breaker) => breaker.notify_listeners_of(event),
        }
    }

    /// Returns `true` if this is the circuit of a key that was evicted or removed.
    pub(super) fn is_removed(&self) -> bool {
        match self {
            Self::Circuit(breaker) => breaker.circuit().is_removed(),
            Self::AllKeys(_) => false,
        }
    }

    /// Returns the circuits for a gate.
    pub(super) fn gated(&self) -> GatedCircuits {
        match self {
            Self::Circuit(_) => GatedCircuits::One(self.id()),
            Self::AllKeys(_) => GatedCircuits::OfAllKeys(self.id()),
        }
    }

    pub(super) fn id(&self) -> CircuitId {
        match self {
            Self::Circuit(breaker) => breaker.circuit().id(),
            Self::AllKeys(breaker) => breaker.id(),
        }
    }

    pub(super) fn clock(&self) -> &Clock {
        match self {
            Self::Circuit(breaker) => breaker.circuit().clock(),
            Self::AllKeys(breaker) => breaker.clock(),
        }
    }
}

/// Finds the breaker with keys of this name.
fn find_keyed(registry: &Registry, name: &str) -> Result<KeyedBreaker, DrillError> {
    match Target::find(registry, name)? {
        Target::Circuit(_) => Err(DrillError::WithoutKeys { name: name.to_owned() }),
        Target::AllKeys(breaker) => Ok(breaker),
    }
}
