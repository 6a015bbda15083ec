//! The two types of breakers in a registry: with one circuit, and with one circuit per key.

use std::fmt::Debug;
use std::num::NonZeroU32;
use std::sync::Arc;

use super::keyed::KeyedBreaker;
use super::registration::Registration;
use crate::breaker::{Circuit, CircuitBreaker, Identity};
use crate::clock::Clock;
use crate::event::Hub;
use crate::snapshot::Snapshot;

/// A breaker of either type.
#[derive(Clone, Debug)]
pub enum AnyBreaker {
    /// A breaker with one circuit.
    Single(CircuitBreaker),
    /// A breaker with one circuit per key.
    Keyed(KeyedBreaker),
}

/// The clock and the listeners that all breakers of a registry share.
#[derive(Clone, Default)]
pub struct RegistryContext {
    pub(super) clock: Clock,
    pub(super) hub: Arc<Hub>,
}

/// A type of breaker that a registry creates and holds.
pub trait RegistryBreaker: Clone + Debug + Send + Sync + 'static {
    /// The type of the maximum number of keys; `()` for a breaker with one circuit.
    type MaxKeys: Copy + Debug + Send + Sync + 'static;
    /// The part of the breaker that calls use.
    type Shared: Debug + Send + Sync + 'static;

    /// Returns a new breaker with the name and settings of `registration`.
    fn create(registration: &Registration, max_keys: Self::MaxKeys, context: &RegistryContext) -> Self;

    /// Returns the part of this breaker that calls use.
    fn shared(&self) -> &Self::Shared;

    /// Returns `breaker` if it is of this type.
    fn from_any(breaker: &AnyBreaker) -> Option<&Self>;

    /// Returns this breaker as an [`AnyBreaker`].
    fn into_any(self) -> AnyBreaker;
}

impl AnyBreaker {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Single(breaker) => breaker.name(),
            Self::Keyed(breaker) => breaker.name(),
        }
    }

    /// Returns one snapshot, which combines all circuits of a breaker with keys.
    pub(crate) fn snapshot(&self) -> Snapshot {
        match self {
            Self::Single(breaker) => breaker.snapshot(),
            Self::Keyed(breaker) => breaker.snapshot(),
        }
    }

    /// Returns the circuits that exist now.
    pub(crate) fn circuits(&self) -> Vec<CircuitBreaker> {
        match self {
            Self::Single(breaker) => vec![breaker.clone()],
            Self::Keyed(breaker) => breaker.iter().collect(),
        }
    }
}

impl RegistryBreaker for CircuitBreaker {
    type MaxKeys = ();
    type Shared = Circuit;

    fn create(registration: &Registration, (): (), context: &RegistryContext) -> Self {
        let Registration { name, settings, .. } = registration;
        let RegistryContext { clock, hub } = context.clone();
        let identity = Identity::Alone { name: name.clone() };
        Self::in_registry(identity, settings.clone(), clock, hub)
    }

    fn shared(&self) -> &Circuit {
        self.circuit()
    }

    fn from_any(breaker: &AnyBreaker) -> Option<&Self> {
        match breaker {
            AnyBreaker::Single(breaker) => Some(breaker),
            AnyBreaker::Keyed(_) => None,
        }
    }

    fn into_any(self) -> AnyBreaker {
        AnyBreaker::Single(self)
    }
}

impl RegistryBreaker for KeyedBreaker {
    type MaxKeys = NonZeroU32;
    type Shared = Self;

    fn create(registration: &Registration, max_keys: NonZeroU32, context: &RegistryContext) -> Self {
        let Registration { name, settings, .. } = registration;
        let RegistryContext { clock, hub } = context.clone();
        Self::new(name.clone(), settings.clone(), max_keys, clock, hub)
    }

    fn shared(&self) -> &Self {
        self
    }

    fn from_any(breaker: &AnyBreaker) -> Option<&Self> {
        match breaker {
            AnyBreaker::Keyed(breaker) => Some(breaker),
            AnyBreaker::Single(_) => None,
        }
    }

    fn into_any(self) -> AnyBreaker {
        AnyBreaker::Keyed(self)
    }
}
