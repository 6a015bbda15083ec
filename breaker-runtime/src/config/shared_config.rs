//! A [`Config`] that many circuits share, with the sources of its settings. The default one costs no allocation.

use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use super::{Config, Setting, SettingSource};
use crate::state::Recovery;

/// A shared config, or `None` for the default one.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedConfig(Option<Arc<SourcedConfig>>);

/// A config and the sources of its settings.
#[derive(Debug)]
struct SourcedConfig {
    config: Config,
    /// The source of the settings that no layer decides.
    base: SettingSource,
    layered: Vec<LayeredSetting>,
    scope: ConfigScope,
}

/// A setting that a configuration layer decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayeredSetting {
    pub(crate) setting: Setting,
    pub(crate) source: SettingSource,
}

/// The circuits that a config is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConfigScope {
    /// All circuits of a breaker, or that of one key in a configuration layer.
    Breaker,
    /// One circuit, whose settings were replaced by themselves.
    OneCircuit,
}

impl SharedConfig {
    /// Returns a config whose settings all come from `base`.
    pub(crate) fn new(config: Config, base: SettingSource) -> Self {
        Self::layered(config, base, Vec::new())
    }

    /// Returns a config whose settings come from a call at `location`.
    pub(crate) fn of_call(config: Config, location: &'static Location<'static>) -> Self {
        Self::new(config, SettingSource::Program(location))
    }

    /// Returns a config that one circuit of a breaker has for itself.
    pub(crate) fn of_circuit(config: Config, location: &'static Location<'static>) -> Self {
        let base = SettingSource::Program(location);
        let scope = ConfigScope::OneCircuit;
        Self(Some(Arc::new(SourcedConfig { config, base, layered: Vec::new(), scope })))
    }

    /// Returns a config whose settings come from `base`, except for those that configuration layers decide.
    pub(crate) fn layered(config: Config, base: SettingSource, layered: Vec<LayeredSetting>) -> Self {
        let is_default = layered.is_empty() && !config.given.sets_any();
        let scope = ConfigScope::Breaker;
        Self((!is_default).then(|| Arc::new(SourcedConfig { config, base, layered, scope })))
    }

    /// Returns `true` if the effective settings are equal. Fast if they are clones of each other.
    pub(crate) fn is_equal_to(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(second)) => Arc::ptr_eq(one, second) || one.config == second.config,
            _ => **self == **other,
        }
    }

    /// Returns `true` if the effective settings and their sources are equal.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(second)) => {
                Arc::ptr_eq(one, second)
                    || (one.config == second.config
                        && one.base == second.base
                        && one.layered == second.layered)
            }
            (one, second) => one.is_none() && second.is_none(),
        }
    }

    /// Returns `true` if one circuit of a breaker has these settings for itself.
    pub(crate) fn is_of_one_circuit(&self) -> bool {
        self.0.as_ref().is_some_and(|sourced| sourced.scope == ConfigScope::OneCircuit)
    }

    /// Returns the source of the settings that no configuration layer decides.
    pub(crate) fn base(&self) -> SettingSource {
        self.0.as_ref().map_or(SettingSource::Default, |sourced| sourced.base.clone())
    }

    /// Returns where the value of a setting comes from.
    pub(super) fn source(&self, setting: Setting) -> SettingSource {
        let Some(sourced) = &self.0 else {
            return SettingSource::Default;
        };
        let layered = sourced.layered.iter().find(|layered| layered.setting == setting);
        match layered {
            Some(layered) => layered.source.clone(),
            None if sourced.config.given.sets(setting) => sourced.base.clone(),
            None => SettingSource::Default,
        }
    }
}

static DEFAULT: Config = super::defaults::DEFAULT;

impl Deref for SharedConfig {
    type Target = Config;

    fn deref(&self) -> &Config {
        self.0.as_ref().map_or(&DEFAULT, |sourced| &sourced.config)
    }
}

impl AsRef<Recovery> for SharedConfig {
    fn as_ref(&self) -> &Recovery {
        self.recovery()
    }
}
