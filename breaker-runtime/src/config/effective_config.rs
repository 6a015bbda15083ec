//! The settings that are in effect, with the source of each.

use std::fmt;
use std::ops::Deref;

use super::shared_config::SharedConfig;
use super::{Config, Setting, SettingSource};

/// The settings that are in effect for a circuit, and where each of them comes from. Clones are cheap.
///
/// ```
/// use breaker_runtime::{Config, Registry, Setting, SettingSource};
///
/// let registry = Registry::new();
/// registry.configure("search", Config::builder().failure_threshold(9))?;
/// let search = registry.register("search", Config::default())?;
///
/// let settings = search.snapshot().settings;
/// assert_eq!(settings.failure_threshold(), Some(9)); // the methods of `Config`
/// assert!(matches!(settings.source(Setting::FailureThreshold), SettingSource::Program(_)));
/// assert!(settings.decided().map(|(setting, _)| setting).eq([Setting::FailureThreshold]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct EffectiveConfig(SharedConfig);

impl EffectiveConfig {
    pub(crate) const fn new(shared: SharedConfig) -> Self {
        Self(shared)
    }

    /// Returns where the value of a setting comes from.
    #[must_use]
    pub fn source(&self, setting: Setting) -> SettingSource {
        self.0.source(setting)
    }

    /// Returns the settings that do not have their default, and those that a configuration returned to it.
    pub fn decided(&self) -> impl Iterator<Item = (Setting, SettingSource)> {
        let all = Setting::ALL.iter().map(|setting| (*setting, self.source(*setting)));
        all.filter(|(_, source)| *source != SettingSource::Default)
    }
}

impl Deref for EffectiveConfig {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.0
    }
}

impl PartialEq for EffectiveConfig {
    fn eq(&self, other: &Self) -> bool {
        **self == **other && self.decided().eq(other.decided())
    }
}

impl fmt::Debug for EffectiveConfig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, out)
    }
}
