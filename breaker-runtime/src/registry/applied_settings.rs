//! Settings that have been applied to the circuits of a breaker, before listeners are notified.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::breaker_settings::BreakerSettings;
use crate::breaker::CircuitBreaker;
use crate::config::{CircuitId, Name, SharedConfig};
use crate::event::{Event, Hub, SettingsChange};
use crate::state::machine::Pending;

/// Settings that have been applied under a lock.
#[must_use = "listeners must be notified"]
pub(super) struct AppliedSettings {
    pub(super) target: SettingsTarget,
    pub(super) circuits: Vec<AppliedConfig>,
}

/// The breaker that has new settings.
pub(super) enum SettingsTarget {
    Single { breaker: CircuitBreaker, old: SharedConfig, new: SharedConfig },
    Keyed(KeyedTarget),
}

/// A breaker with keys that has new settings.
pub(super) struct KeyedTarget {
    pub(super) name: Name,
    /// The listeners of its registry.
    pub(super) hub: Arc<Hub>,
    pub(super) old: BreakerSettings,
    pub(super) new: BreakerSettings,
    /// The keys whose circuits keep their own settings.
    pub(super) unchanged: BTreeSet<String>,
}

/// One circuit that has new settings.
pub(super) struct AppliedConfig {
    pub(super) circuit: CircuitBreaker,
    pub(super) pending: Pending,
}

impl AppliedConfig {
    /// Applies settings to a circuit, and runs no user code.
    pub(super) fn new(circuit: CircuitBreaker, settings: SharedConfig) -> Self {
        let pending = circuit.circuit().apply_config(settings).pending;
        Self { circuit, pending }
    }
}

impl AppliedSettings {
    /// Notifies listeners, and the calls that wait for slots. Returns the changes. The caller holds no lock.
    pub(super) fn announce(self) -> Vec<SettingsChange> {
        for AppliedConfig { circuit, pending } in &self.circuits {
            circuit.circuit().announce_config(*pending);
        }
        match self.target {
            SettingsTarget::Single { breaker, old, new } => {
                breaker.circuit().announce_settings(&old, &new).into_iter().collect()
            }
            SettingsTarget::Keyed(target) => {
                let changes = target.changes();
                for change in &changes {
                    target.hub.notify(&Event::SettingsChanged(change.clone()));
                }
                changes
            }
        }
    }
}

impl KeyedTarget {
    /// Returns the change of the settings that all circuits share, and of each key that has changed otherwise.
    fn changes(&self) -> Vec<SettingsChange> {
        let Self { name, old, new, unchanged, .. } = self;
        let between = |key: Option<&Arc<str>>| {
            let id = CircuitId { name: name.clone(), key: key.cloned() };
            let key = key.map(|key| &**key);
            SettingsChange::between(id, old.of(key), new.of(key))
        };
        let of_all = between(None);
        let differs =
            |change: &SettingsChange| !of_all.as_ref().is_some_and(|all| all.has_same_differences(change));
        let keys: BTreeSet<_> =
            old.keys().chain(new.keys()).filter(|key| !unchanged.contains(&***key)).collect();
        let of_keys = keys.into_iter().filter_map(|key| between(Some(key)).filter(differs));
        let of_keys: Vec<_> = of_keys.collect();
        of_all.into_iter().chain(of_keys).collect()
    }
}
