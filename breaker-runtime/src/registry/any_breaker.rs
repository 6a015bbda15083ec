//! The two types of breakers in a registry: with one circuit, and with one circuit per key.

use std::fmt::Debug;
use std::num::NonZeroU32;

use super::applied_settings::{AppliedConfig, AppliedSettings, SettingsTarget};
use super::breaker_settings::{BreakerSettings, OwnSettings};
use super::context::RegistryContext;
use super::keyed::KeyedBreaker;
use crate::breaker::{Circuit, CircuitBreaker, Identity};
use crate::config::{Name, SharedConfig};
use crate::snapshot::Snapshot;

/// A breaker of either type.
#[derive(Clone, Debug)]
pub enum AnyBreaker {
    /// A breaker with one circuit.
    Single(CircuitBreaker),
    /// A breaker with one circuit per key.
    Keyed(KeyedBreaker),
}

/// A type of breaker that a registry creates and holds.
pub trait RegistryBreaker: Clone + Debug + Send + Sync + 'static {
    /// The type of the maximum number of keys; `()` for a breaker with one circuit.
    type MaxKeys: Copy + Debug + Send + Sync + 'static;
    /// The part of the breaker that calls use.
    type Shared: Debug + Send + Sync + 'static;

    /// Returns a new breaker.
    fn create(
        name: &Name,
        settings: BreakerSettings,
        max_keys: Self::MaxKeys,
        context: &RegistryContext,
    ) -> Self;

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

    /// Returns the settings that all circuits share.
    pub(crate) fn config(&self) -> SharedConfig {
        match self {
            Self::Single(breaker) => breaker.circuit().config(),
            Self::Keyed(breaker) => breaker.settings().all,
        }
    }

    /// Returns the settings that all circuits share, and those of single keys.
    #[allow(dead_code, reason = "only the feature `shadow` keeps the settings of a breaker")]
    pub(crate) fn settings(&self) -> BreakerSettings {
        match self {
            Self::Single(breaker) => BreakerSettings::same(breaker.circuit().config()),
            Self::Keyed(breaker) => breaker.settings(),
        }
    }

    /// Applies settings of the configuration, and runs no user code.
    pub(super) fn apply(&self, settings: &BreakerSettings) -> AppliedSettings {
        match self {
            Self::Single(breaker) => {
                let (old, new) = (breaker.circuit().config(), settings.all.clone());
                let circuits = vec![AppliedConfig::new(breaker.clone(), new.clone())];
                let target = SettingsTarget::Single { breaker: breaker.clone(), old, new };
                AppliedSettings { target, circuits }
            }
            Self::Keyed(breaker) => breaker.apply(settings, OwnSettings::Kept),
        }
    }

    /// Returns the circuits that exist now.
    pub(crate) fn circuits(&self) -> Vec<CircuitBreaker> {
        match self {
            Self::Single(breaker) => vec![breaker.clone()],
            Self::Keyed(breaker) => breaker.iter().collect(),
        }
    }

    /// Returns the circuits that were evicted or removed and that a caller may still hold.
    pub(super) fn removed_circuits(&self) -> Vec<CircuitBreaker> {
        match self {
            Self::Single(_) => Vec::new(),
            Self::Keyed(breaker) => breaker.removed_circuits(),
        }
    }
}

impl RegistryBreaker for CircuitBreaker {
    type MaxKeys = ();
    type Shared = Circuit;

    fn create(name: &Name, settings: BreakerSettings, (): (), context: &RegistryContext) -> Self {
        let RegistryContext { clock, hub, .. } = context.clone();
        let identity = Identity::Alone { name: name.clone() };
        Self::in_registry(identity, settings.all, clock, hub)
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

    fn create(
        name: &Name,
        settings: BreakerSettings,
        max_keys: NonZeroU32,
        context: &RegistryContext,
    ) -> Self {
        Self::new(name.clone(), settings, max_keys, context.clone())
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
