//! The name and the key of a circuit, and the listeners of its registry.

use std::sync::Arc;

use crate::config::Name;
use crate::event::Hub;
use crate::snapshot::{CumulativeParts, Snapshot};
use crate::sync::{Mutex, lock};

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

/// The state that the circuits of one keyed breaker share.
#[derive(Debug)]
pub(crate) struct KeyGroup {
    name: Name,
    hub: Option<Arc<Hub>>,
    /// The summed counts of evicted circuits that have been dropped.
    retired: Mutex<CumulativeParts>,
}

impl Identity {
    pub(super) fn name(&self) -> &Name {
        match self {
            Self::Alone { name, .. } => name,
            Self::Member { group, .. } => &group.name,
        }
    }

    pub(super) fn key(&self) -> Option<&Arc<str>> {
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

    /// Adds the final counts of a dropped circuit to those of its group.
    pub(super) fn retire(&self, last_snapshot: impl FnOnce() -> Snapshot) {
        if let Self::Member { group, .. } = self {
            let last_snapshot = last_snapshot();
            lock(&group.retired).add(&last_snapshot);
        }
    }
}

impl KeyGroup {
    pub(crate) fn new(name: Name, hub: Option<Arc<Hub>>) -> Self {
        Self { name, hub, retired: Mutex::new(CumulativeParts::default()) }
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// Returns the summed counts of evicted circuits that have been dropped.
    pub(crate) fn retired(&self) -> CumulativeParts {
        lock(&self.retired).clone()
    }
}
