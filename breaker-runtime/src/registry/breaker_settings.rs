//! The settings of a breaker: those that all circuits share, and those of single keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::SharedConfig;

/// The settings of a breaker. One without keys has no settings of keys.
#[derive(Clone, Debug, Default)]
pub struct BreakerSettings {
    pub(super) all: SharedConfig,
    /// The keys with settings of their own; `None` if there are none.
    of_keys: Option<Arc<BTreeMap<Arc<str>, SharedConfig>>>,
}

/// The treatment of circuits of keys whose settings were replaced by themselves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnSettings {
    Kept,
    Replaced,
}

impl BreakerSettings {
    /// Returns settings that are the same for all keys.
    pub(super) fn same(all: SharedConfig) -> Self {
        Self { all, of_keys: None }
    }

    /// Returns settings that differ for these keys.
    pub(super) fn with_keys(all: SharedConfig, of_keys: BTreeMap<Arc<str>, SharedConfig>) -> Self {
        Self { all, of_keys: (!of_keys.is_empty()).then(|| Arc::new(of_keys)) }
    }

    /// Returns the settings of the circuit of `key`; without a key, those that all circuits share.
    pub(crate) fn of(&self, key: Option<&str>) -> &SharedConfig {
        key.and_then(|key| self.of_keys.as_ref()?.get(key)).unwrap_or(&self.all)
    }

    /// Returns the keys with settings of their own.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.of_keys.iter().flat_map(|of_keys| of_keys.keys())
    }

    /// Returns `true` if the effective settings are equal, for all keys.
    pub(super) fn is_equal_to(&self, other: &Self) -> bool {
        let keys_are_equal = || match (&self.of_keys, &other.of_keys) {
            (Some(own), Some(others)) => {
                own.len() == others.len()
                    && own.iter().all(|(key, one)| others.get(key).is_some_and(|same| one.is_same(same)))
            }
            (own, others) => own.is_none() && others.is_none(),
        };
        self.all.is_same(&other.all) && keys_are_equal()
    }
}
