//! Settings that have been applied to the circuits of a breaker, before listeners are notified.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::breaker_settings::BreakerSettings;
use crate::breaker::{CircuitBreaker, Unannounced};
use crate::config::{CircuitId, Name, SharedConfig};
use crate::event::{Event, Hub, SettingsChange};
use crate::state::machine::Pending;

/// Settings that have been applied under a lock.
#[must_use = "listeners must be notified"]
pub(super) struct AppliedSettings {
    pub(super) target: SettingsTarget,
    pub(super) circuits: Vec<AppliedConfig>,
}

/// Settings that have taken effect, and of which listeners have not been notified.
#[must_use = "listeners must be notified"]
pub(super) struct EffectiveSettings {
    pub(super) target: SettingsTarget,
    /// The changes of states that the settings caused.
    pub(super) states: Vec<Unannounced>,
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
    /// Wakes the calls that wait for slots, and passes the changes to the integrations that show them. The caller holds
    /// no lock.
    pub(super) fn take_effect(self) -> EffectiveSettings {
        let take_effect = |applied: AppliedConfig| Unannounced::of_settings(applied.circuit, applied.pending);
        let states = self.circuits.into_iter().filter_map(take_effect).collect();
        self.target.notify(Hub::notify_integrations);
        EffectiveSettings { target: self.target, states }
    }
}

impl EffectiveSettings {
    /// Notifies the listeners. The caller holds no lock.
    pub(super) fn announce(self) {
        drop(self.states);
        self.target.announce();
    }
}

impl SettingsTarget {
    /// Notifies the listeners of the program. The caller holds no lock.
    pub(super) fn announce(&self) {
        self.notify(Hub::notify_program);
    }

    /// Returns the changes of effective settings.
    pub(super) fn changes(&self) -> Vec<SettingsChange> {
        match self {
            Self::Single { breaker, old, new } => {
                SettingsChange::between(breaker.circuit().id(), old, new).into_iter().collect()
            }
            Self::Keyed(target) => target.changes(),
        }
    }

    fn notify(&self, notify: impl Fn(&Hub, &Event)) {
        for event in self.changes().into_iter().map(Event::SettingsChanged) {
            match self {
                Self::Single { breaker, .. } => breaker.circuit().hubs().for_each(|hub| notify(hub, &event)),
                Self::Keyed(target) => notify(&target.hub, &event),
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
