//! Who a circuit is: one of its own, or one of a group that shares a name and has a circuit for each key.

use std::sync::Arc;

use crate::config::Name;
use crate::event::Hub;
use crate::snapshot::{CumulativeParts, Snapshot};
use crate::sync::{Mutex, lock};

#[derive(Debug)]
pub(crate) enum Identity {
    Alone {
        name: Name,
        /// Of the registry that it is in.
        hub: Option<Arc<Hub>>,
    },
    Member {
        group: Arc<KeyGroup>,
        /// None for the circuit that keys share which found no room.
        key: Option<Arc<str>>,
    },
}

/// What the circuits of all keys share.
#[derive(Debug)]
pub(crate) struct KeyGroup {
    name: Name,
    hub: Option<Arc<Hub>>,
    /// What circuits counted that are no more.
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

    pub(super) fn hub(&self) -> Option<&Arc<Hub>> {
        match self {
            Self::Alone { hub, .. } => hub.as_ref(),
            Self::Member { group, .. } => group.hub.as_ref(),
        }
    }

    /// A circuit is no more; what it counted still counts.
    pub(super) fn retire(&self, last_seen: impl FnOnce() -> Snapshot) {
        if let Self::Member { group, .. } = self {
            let last_seen = last_seen();
            lock(&group.retired).add(&last_seen);
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

    pub(crate) fn retired(&self) -> CumulativeParts {
        lock(&self.retired).clone()
    }
}
