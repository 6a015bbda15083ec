//! The identity of a circuit in events, errors and snapshots.

use std::fmt;
use std::sync::Arc;

use super::Name;
use crate::printable::Quoted;

/// The name of a circuit breaker and, if it has a circuit per key, the key of one circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CircuitId {
    pub(crate) name: Name,
    pub(crate) key: Option<Arc<str>>,
}

impl CircuitId {
    pub(crate) fn name(&self) -> &str {
        self.name.as_str()
    }

    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}

impl fmt::Display for CircuitId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "circuit breaker {}", Quoted(self.name()))?;
        self.key().map_or(Ok(()), |key| write!(out, " for {}", Quoted(key)))
    }
}

impl From<Name> for Arc<str> {
    fn from(name: Name) -> Self {
        match name {
            Name::Static(text) => text.into(),
            Name::Shared(text) => text,
        }
    }
}
