//! The circuit that an error comes from. An error knows it by this trait, because circuits depend on errors.

use std::borrow::Cow;
use std::panic::RefUnwindSafe;
use std::sync::Arc;

use crate::state::Transition;

/// The circuit that an error comes from.
pub(crate) trait Origin: Send + Sync + RefUnwindSafe {
    fn name(&self) -> &str;

    /// Returns the key, if the circuit has one.
    fn key(&self) -> Option<&str>;

    /// Returns the last transition of the circuit, if the circuit still exists and has changed its state.
    fn last_transition(&self) -> Option<Arc<Transition>>;
}

/// The origin of an error that comes from no circuit.
pub(super) struct NamedOrigin {
    pub(super) name: Cow<'static, str>,
    pub(super) key: Option<Cow<'static, str>>,
}

impl Origin for NamedOrigin {
    fn name(&self) -> &str {
        &self.name
    }

    fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn last_transition(&self) -> Option<Arc<Transition>> {
        None
    }
}
