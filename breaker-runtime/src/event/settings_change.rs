//! The event of settings that changed.

use std::fmt;
use std::sync::Arc;

use crate::config::{CircuitId, EffectiveConfig, Setting, SettingSource, SettingValue, SharedConfig};

/// New settings of a breaker, or of one circuit, that differ from the old ones.
///
/// ```
/// use breaker_runtime::{Config, Event, Registry, Setting};
///
/// let registry = Registry::new();
/// let mut events = registry.subscribe();
/// registry.register("search", Config::default())?;
/// registry.configure("search", Config::builder().failure_threshold(9))?;
///
/// let Some(Ok(Event::SettingsChanged(change))) = events.try_next() else { panic!("no change") };
/// let differences: Vec<_> = change.differences().collect();
/// assert_eq!(differences.len(), 1);
/// assert_eq!(differences[0].setting(), Setting::FailureThreshold);
/// assert_eq!(differences[0].from(), Some(&5.into()));
/// assert_eq!(differences[0].to(), Some(&9.into()));
/// assert!(change.to_string().starts_with(r#"circuit breaker "search": failure_threshold 5 -> 9 ("#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SettingsChange {
    pub(super) id: CircuitId,
    differences: Arc<[SettingDifference]>,
}

/// A setting whose value changed.
///
/// ```
/// use breaker_runtime::{Config, Registry, Setting, SettingSource};
///
/// let registry = Registry::new();
/// registry.register("payment", Config::default())?;
/// let report = registry.configure("payment", Config::builder().failure_threshold(9))?;
///
/// let change = report.changes().next().unwrap();
/// let threshold = change.differences().next().unwrap();
/// assert_eq!(threshold.setting(), Setting::FailureThreshold);
/// assert_eq!((threshold.from(), threshold.to()), (Some(&5.into()), Some(&9.into())));
/// assert!(matches!(threshold.source(), SettingSource::Program(_)));
/// assert!(threshold.to_string().starts_with("failure_threshold 5 -> 9 ("));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SettingDifference {
    setting: Setting,
    from: Option<SettingValue<'static>>,
    to: Option<SettingValue<'static>>,
    source: SettingSource,
}

impl SettingsChange {
    /// Returns the change from `old` to `new`, or `None` if the effective settings are equal.
    pub(crate) fn between(id: CircuitId, old: &SharedConfig, new: &SharedConfig) -> Option<Self> {
        let effective = EffectiveConfig::new(new.clone());
        let difference = |setting| SettingDifference {
            setting,
            from: old.value(setting),
            to: new.value(setting),
            source: effective.source(setting),
        };
        let differences: Arc<[_]> = old.differences(new).map(difference).collect();
        (!differences.is_empty()).then_some(Self { id, differences })
    }

    /// Returns `true` if the same settings changed in the same way.
    pub(crate) fn has_same_differences(&self, other: &Self) -> bool {
        self.differences == other.differences
    }

    /// Returns the settings whose values changed, in the order of [`Setting::ALL`].
    pub fn differences(&self) -> impl Iterator<Item = &SettingDifference> {
        self.differences.iter()
    }
}

impl SettingDifference {
    /// Returns the setting.
    #[must_use]
    pub const fn setting(&self) -> Setting {
        self.setting
    }

    /// Returns the old value, or `None` if the setting was off.
    #[must_use]
    pub const fn from(&self) -> Option<&SettingValue<'static>> {
        self.from.as_ref()
    }

    /// Returns the new value, or `None` if the setting is off.
    #[must_use]
    pub const fn to(&self) -> Option<&SettingValue<'static>> {
        self.to.as_ref()
    }

    /// Returns where the new value comes from. It is [`SettingSource::Default`] if the value follows from other
    /// settings.
    #[must_use]
    pub const fn source(&self) -> &SettingSource {
        &self.source
    }
}

impl fmt::Display for SettingsChange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, difference) in self.differences.iter().enumerate() {
            match index {
                0 => write!(out, "{}: {difference}", self.id)?,
                _ => write!(out, ", {difference}")?,
            }
        }
        Ok(())
    }
}

/// Displays the setting with both values: `failure_threshold 5 -> 9 (breakers.toml:7)`.
impl fmt::Display for SettingDifference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text =
            |value: Option<&SettingValue<'_>>| value.map_or_else(|| "off".to_owned(), ToString::to_string);
        write!(out, "{} {} -> {}", self.setting, text(self.from()), text(self.to()))?;
        if self.source == SettingSource::Default {
            return Ok(());
        }
        write!(out, " ({})", self.source)
    }
}
