//! The settings of a keyed breaker while it is used.

use std::panic::Location;
use std::sync::Arc;

use super::KeyedBreaker;
use crate::breaker::CircuitBreaker;
use crate::config::{Config, SharedConfig};
use crate::registry::applied_settings::{AppliedConfig, AppliedSettings, KeyedTarget, SettingsTarget};
use crate::registry::breaker_settings::{BreakerSettings, OwnSettings};
use crate::sync::lock;

impl KeyedBreaker {
    /// Changes the settings of all existing and future circuits; see [`CircuitBreaker::set_config`]. `max_keys`
    /// cannot change.
    ///
    /// The settings that were applied last win: this replaces those that a single circuit got from
    /// `CircuitBreaker::set_config`, and a later `set_config` of a circuit changes that circuit only.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let shops = Registry::new().register_keyed("shop", Config::default(), 1000)?;
    /// let shop = shops.get("eu-1");
    /// shops.set_config(Config::builder().failure_threshold(9).build()?);
    /// assert_eq!(shop.config().failure_threshold(), Some(9));
    /// assert_eq!(shops.get("eu-2").config(), shops.config());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn set_config(&self, config: Config) {
        let settings = BreakerSettings::same(SharedConfig::of_call(config, Location::caller()));
        self.apply(&settings, OwnSettings::Replaced).take_effect().announce();
    }

    /// Applies settings to all circuits, and runs no user code.
    pub(in crate::registry) fn apply(&self, settings: &BreakerSettings, own: OwnSettings) -> AppliedSettings {
        let order = lock(&self.shared.config_order);
        let old = std::mem::replace(&mut lock(&self.shared.table).settings, settings.clone());
        self.shared.group.open_limit().set_share(settings.all.max_open());
        let has_new =
            |circuit: &CircuitBreaker| own == OwnSettings::Replaced || !circuit.circuit().has_own_settings();
        let (circuits, unchanged): (Vec<_>, Vec<_>) = self.iter().partition(has_new);
        let apply = |circuit: CircuitBreaker| {
            let own = settings.of(circuit.key()).clone();
            AppliedConfig::new(circuit, own)
        };
        let circuits = circuits.into_iter().map(apply).collect();
        drop(order);
        let target = KeyedTarget {
            name: self.shared.group.name().clone(),
            hub: Arc::clone(&self.shared.hub),
            old,
            new: settings.clone(),
            unchanged: unchanged.iter().filter_map(|circuit| circuit.key().map(str::to_owned)).collect(),
        };
        AppliedSettings { target: SettingsTarget::Keyed(target), circuits }
    }
}
