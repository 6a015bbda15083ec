//! The name and the key of a circuit, and the listeners of its registry.
//!
//! The errors of a circuit share its identity, and through it find the circuit as long as that exists. They are no
//! handles: an error that is stored for long keeps no circuit from being evicted.

use std::sync::{Arc, Weak};

use super::circuit::Circuit;
use crate::config::Name;
use crate::error::Origin;
use crate::event::Hub;
use crate::state::Transition;

/// The name and key of a circuit, and the listeners of its registry.
#[derive(Debug)]
pub(crate) enum Identity {
    Alone {
        name: Name,
        /// The hub of its registry, if it is in one.
        hub: Option<Arc<Hub>>,
    },
    Member {
        group: Arc<KeyGroup>,
        /// `None` for the overflow circuit.
        key: Option<Arc<str>>,
    },
}

/// The name and the listeners that the circuits of one keyed breaker share.
#[derive(Debug)]
pub(crate) struct KeyGroup {
    name: Name,
    hub: Option<Arc<Hub>>,
}

/// The identity of a circuit, and the way from its errors to the circuit.
#[derive(Debug)]
pub(super) struct SharedIdentity {
    identity: Identity,
    circuit: Weak<Circuit>,
}

impl SharedIdentity {
    pub(super) const fn new(identity: Identity, circuit: Weak<Circuit>) -> Self {
        Self { identity, circuit }
    }

    pub(super) const fn get(&self) -> &Identity {
        &self.identity
    }
}

impl Origin for SharedIdentity {
    fn name(&self) -> &str {
        self.identity.name().as_str()
    }

    fn key(&self) -> Option<&str> {
        self.identity.key().map(|key| &**key)
    }

    fn last_transition(&self) -> Option<Arc<Transition>> {
        self.circuit.upgrade()?.last_transition()
    }
}

impl Identity {
    pub(crate) fn name(&self) -> &Name {
        match self {
            Self::Alone { name, .. } => name,
            Self::Member { group, .. } => &group.name,
        }
    }

    /// Returns `true` for the circuit of a key, and for an overflow circuit.
    pub(super) const fn is_member(&self) -> bool {
        match self {
            Self::Alone { .. } => false,
            Self::Member { .. } => true,
        }
    }

    pub(crate) fn key(&self) -> Option<&Arc<str>> {
        match self {
            Self::Alone { .. } => None,
            Self::Member { key, .. } => key.as_ref(),
        }
    }

    /// Returns the hub of the registry, if the circuit is in one.
    pub(super) fn hub(&self) -> Option<&Arc<Hub>> {
        match self {
            Self::Alone { hub, .. } => hub.as_ref(),
            Self::Member { group, .. } => group.hub.as_ref(),
        }
    }
}

impl KeyGroup {
    pub(crate) const fn new(name: Name, hub: Option<Arc<Hub>>) -> Self {
        Self { name, hub }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// Returns the hub of the registry, if the breaker is in one.
    pub(crate) fn hub(&self) -> Option<&Arc<Hub>> {
        self.hub.as_ref()
    }
}
