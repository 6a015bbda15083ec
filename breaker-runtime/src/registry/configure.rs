//! Settings that replace those in the code, before the first call of a function and later.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;

use super::Registry;
use super::config_loads::ConfigStatus;
use super::config_report::{ConfigReport, ConfigureError, UnannouncedReport};
use super::layers::{ConfigLayer, ConfigSection, Layers};
use super::store_config::NewSections;
use crate::config::{ConfigBuilder, SettingSource};

impl Registry {
    /// Replaces settings of the breaker of this name: those that `settings` sets. All others keep their values, and
    /// settings that depend on others change with them. In the name, each `*` stands for any text.
    ///
    /// This works before the breaker is registered, so that the first call of an annotated function has the new
    /// settings; it causes no [conflict](crate::Conflict). It also changes breakers that exist already, like
    /// [`CircuitBreaker::set_config`](crate::CircuitBreaker::set_config), and [`Event::SettingsChanged`](crate::Event)
    /// reports it. A second call with the same name replaces the settings of the first one.
    ///
    /// Files, the environment and operators take precedence; see [`ConfigLayer`]. Breakers with settings of
    /// `set_config` [keep them](crate::docs::configuration#which-setting-applies).
    ///
    /// Settings that contradict a breaker which is registered later do not apply to it. A warning reports this at
    /// its registration, and so does [`ConfigReport::contradictions`]. It does not prevent other changes.
    ///
    /// # Errors
    ///
    /// Returns an error and changes nothing if a setting is out of range, or contradicts another one in a breaker that
    /// the name matches.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, Config, Registry, circuit_breaker};
    ///
    /// #[circuit_breaker(name = "parcels", failure_threshold = 5)]
    /// fn parcel(number: u32) -> Result<u32, BreakerError> {
    ///     Ok(number) // the real call
    /// }
    ///
    /// let report = Registry::global().configure("parcels", Config::builder().failure_threshold(9))?;
    /// assert_eq!(report.unmatched().count(), 0);
    /// assert_eq!(parcel(1)?, 1);
    /// assert_eq!(Registry::global().get("parcels").unwrap().config().failure_threshold(), Some(9));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn configure(
        &self,
        name: impl Into<String>,
        settings: ConfigBuilder,
    ) -> Result<ConfigReport, ConfigureError> {
        let source = SettingSource::Program(Location::caller());
        let section = ConfigSection::new(name, settings).from_source(source);
        self.apply_section(ConfigLayer::Program, section)
    }

    /// Adds a section to a layer, and applies it. It replaces the section of the same name and key. Without settings,
    /// it only removes that section.
    ///
    /// # Errors
    ///
    /// Returns an error and changes nothing in the same cases as [`configure`](Self::configure).
    ///
    /// ```
    /// use breaker_runtime::{Config, ConfigLayer, ConfigSection, Registry};
    ///
    /// let registry = Registry::new();
    /// let hosts = registry.register_keyed("hosts", Config::default(), 100)?;
    /// let slow_host = ConfigSection::new("hosts", Config::builder().failure_threshold(50)).for_key("eu-1");
    /// registry.apply_section(ConfigLayer::Program, slow_host)?;
    /// assert_eq!(hosts.get("eu-1").config().failure_threshold(), Some(50));
    /// assert_eq!(hosts.get("eu-2").config().failure_threshold(), Some(5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_section(
        &self,
        layer: ConfigLayer,
        section: ConfigSection,
    ) -> Result<ConfigReport, ConfigureError> {
        let new = section.clone();
        let update = |layers: &mut Layers| layers.replace_section(layer, section);
        Ok(self.store().update_layers(NewSections::One(layer, &new), update)?.announce())
    }

    /// Adds a section of an operator, and applies it, unless settings of `set_config` take precedence over it. Runs no
    /// listener.
    ///
    /// # Errors
    ///
    /// Returns an error and changes nothing in the same cases as [`configure`](Self::configure), and
    /// [`ConfigureError::overridden`] for settings of `set_config`.
    #[allow(dead_code, reason = "only the feature `axum` has commands of operators")]
    pub(crate) fn apply_operator_section(
        &self,
        section: ConfigSection,
    ) -> Result<UnannouncedReport, ConfigureError> {
        let new = section.clone();
        self.store().update_layers(NewSections::Command(&new), |layers| {
            layers.replace_section(ConfigLayer::Operator, section);
        })
    }

    /// Adds a section of an operator like [`apply_operator_section`](Self::apply_operator_section), and keeps the
    /// settings of the present section of the same name and key that the new one does not decide.
    ///
    /// # Errors
    ///
    /// Returns an error and changes nothing in the same cases as `apply_operator_section`.
    #[allow(dead_code, reason = "only the feature `shadow` promotes settings")]
    pub(crate) fn merge_operator_section(
        &self,
        section: ConfigSection,
    ) -> Result<UnannouncedReport, ConfigureError> {
        let new = section.clone();
        self.store().update_layers(NewSections::Command(&new), |layers| {
            layers.merge_section(ConfigLayer::Operator, section);
        })
    }

    /// Replaces all sections of a layer, and applies them: all of them or none. Settings that the layer no longer has
    /// return to those of lower layers and of the code.
    ///
    /// # Errors
    ///
    /// Returns an error and changes nothing if a setting is out of range, or if the settings contradict each other in a
    /// breaker in which none did before.
    pub fn apply_layer(
        &self,
        layer: ConfigLayer,
        sections: impl IntoIterator<Item = ConfigSection>,
    ) -> Result<ConfigReport, ConfigureError> {
        self.apply_layers(BTreeMap::from([(layer, sections.into_iter().collect())]))
    }

    /// Replaces all sections of several layers, and applies them: all of them or none. Layers that the map does not
    /// contain stay as they are.
    ///
    /// # Errors
    ///
    /// Returns an error and changes nothing in the same cases as [`apply_layer`](Self::apply_layer).
    ///
    /// ```
    /// use std::collections::BTreeMap;
    /// use breaker_runtime::{Config, ConfigLayer, ConfigSection, Registry};
    ///
    /// let registry = Registry::new();
    /// let search = registry.register("search", Config::default())?;
    /// // Neither of the two fits without the other one.
    /// let window = ConfigSection::new("search", Config::builder().window_calls(100));
    /// let rate = ConfigSection::new("search", Config::builder().failure_rate(0.5));
    /// let layers = BTreeMap::from([
    ///     (ConfigLayer::File, vec![rate]),
    ///     (ConfigLayer::Environment, vec![window]),
    /// ]);
    /// registry.apply_layers(layers)?;
    /// assert_eq!(search.config().failure_rate(), Some(0.5));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn apply_layers(
        &self,
        layers: BTreeMap<ConfigLayer, Vec<ConfigSection>>,
    ) -> Result<ConfigReport, ConfigureError> {
        let sections: Vec<_> = layers.values().flatten().cloned().collect();
        let update = |current: &mut Layers| {
            for (layer, sections) in layers {
                current.replace(layer, sections);
            }
        };
        Ok(self.store().update_layers(NewSections::Layers(&sections), update)?.announce())
    }

    /// Returns the results of loading the configuration of this registry, or `None` if nothing has loaded one.
    ///
    /// The reader of the feature `config` records them. They are part of the JSON of the circuits, of the dashboard and
    /// of the metrics.
    #[must_use]
    pub fn config_status(&self) -> Option<ConfigStatus> {
        self.store().config_loads().status(self.clock().now())
    }

    /// Records that a configuration was loaded, or why it was refused.
    #[allow(dead_code, reason = "only the feature `config` loads configurations")]
    pub(crate) fn record_config_load(&self, result: Result<(), Arc<str>>) {
        self.store().config_loads().record(self.clock().now(), result);
    }

    /// Returns a number that grows with each change of the layers.
    #[allow(dead_code, reason = "only the feature `config` tries a configuration again")]
    pub(crate) fn config_version(&self) -> u64 {
        self.store().contents().config_version
    }

    /// Returns the names of all breakers and of all functions that will register one, sorted.
    #[allow(dead_code, reason = "only the feature `config` suggests names")]
    pub(crate) fn known_names(&self) -> Vec<String> {
        self.entries().iter().map(|entry| entry.name().to_owned()).collect()
    }
}
