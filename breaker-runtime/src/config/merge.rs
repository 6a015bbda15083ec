//! Partial settings: which ones a builder sets, and how one builder takes precedence over another.

use std::num::NonZeroU32;

use super::{Config, ConfigBuilder, Setting, SettingDuration, SettingValue};
use crate::window::Span;

/// Defines the methods that treat all settings alike. Compilation fails if a field of the builder is missing here.
macro_rules! merge_fields {
    ($($field:ident: $setting:ident,)+) => {
        impl ConfigBuilder {
            /// Returns the settings of `self`, and those of `base` that `self` does not set.
            pub(crate) fn over(self, base: Self) -> Self {
                let Self { $($field,)+ unset, inherits_window, error } = self;
                let inherited = |setting| !unset.contains(setting);
                Self {
                    $($field: $field.or_else(|| base.$field.filter(|_| inherited(Setting::$setting))),)+
                    unset: base.unset.union(unset),
                    inherits_window: inherits_window || base.inherits_window,
                    error: base.error.or(error),
                }
            }

            /// Returns a setting to its default. If these settings take precedence over others, those do not apply
            /// to it either.
            ///
            /// ```
            /// use breaker_runtime::{Config, Setting};
            ///
            /// let config = Config::builder().failure_threshold(9).build()?;
            /// let config = config.to_builder().unset(Setting::FailureThreshold).build()?;
            /// assert_eq!(config.failure_threshold(), Some(5));
            /// # Ok::<(), breaker_runtime::ConfigError>(())
            /// ```
            pub const fn unset(mut self, setting: Setting) -> Self {
                match setting {
                    $(Setting::$setting => self.$field = None,)+
                }
                self.unset = self.unset.with(setting);
                self
            }

            /// Returns `true` if the setting was set.
            ///
            /// ```
            /// use breaker_runtime::{Config, Setting};
            ///
            /// let settings = Config::builder().failure_threshold(9);
            /// assert!(settings.sets(Setting::FailureThreshold));
            /// assert!(!settings.sets(Setting::Jitter));
            /// ```
            #[must_use]
            pub const fn sets(&self, setting: Setting) -> bool {
                match setting {
                    $(Setting::$setting => self.$field.is_some(),)+
                }
            }
        }
    };
}

merge_fields! {
    failure_threshold: FailureThreshold,
    consecutive_failures: ConsecutiveFailures,
    failure_rate: FailureRate,
    window: Window,
    minimum_calls: MinimumCalls,
    slow_call: SlowCall,
    slow_call_rate: SlowCallRate,
    recovery_timeout: RecoveryTimeout,
    backoff: Backoff,
    max_recovery_timeout: MaxRecoveryTimeout,
    jitter: Jitter,
    half_open_max_calls: HalfOpenMaxCalls,
    success_threshold: SuccessThreshold,
    half_open_timeout: HalfOpenTimeout,
    ramp: Ramp,
    call_timeout: CallTimeout,
    max_concurrent: MaxConcurrent,
    max_wait: MaxWait,
    cancelled_after: CancelledAfter,
    hang: Hang,
    max_open: MaxOpen,
    shared: Shared,
    adopt: Adopt,
    durations: Durations,
    mode: Mode,
    critical: Critical,
}

impl ConfigBuilder {
    /// Returns the settings without this one: that of others applies.
    pub(crate) const fn without(self, setting: Setting) -> Self {
        let mut others = self.unset(setting);
        others.unset = others.unset.without(setting);
        others
    }

    /// Returns `true` if the setting was set, or returned to its default.
    pub(crate) const fn decides(&self, setting: Setting) -> bool {
        self.sets(setting) || self.unset.contains(setting)
    }

    /// Returns `true` if any setting was set.
    pub(crate) fn sets_any(&self) -> bool {
        Setting::ALL.iter().any(|setting| self.sets(*setting))
    }

    /// Returns the settings that were set or returned to their default.
    pub(crate) fn decided(&self) -> impl Iterator<Item = Setting> {
        Setting::ALL.iter().copied().filter(|setting| self.decides(*setting))
    }
}

impl Config {
    /// Returns the effective value of a setting as it is written in a configuration file, or `None` if the setting is
    /// off.
    ///
    /// ```
    /// use breaker_runtime::{Config, Setting, SettingValue};
    ///
    /// let config = Config::default();
    /// assert_eq!(config.value(Setting::FailureThreshold), Some(SettingValue::Integer(5)));
    /// assert_eq!(config.value(Setting::RecoveryTimeout), Some("30s".to_owned().into()));
    /// assert_eq!(config.value(Setting::Window), None);
    /// ```
    #[must_use]
    pub fn value(&self, setting: Setting) -> Option<SettingValue<'static>> {
        let time = |time| SettingValue::from(SettingDuration(time).to_string());
        let label = |label: &str| SettingValue::from(label.to_owned());
        match setting {
            Setting::FailureThreshold => self.stated_failure_threshold().map(|it| it.get().into()),
            Setting::ConsecutiveFailures => self.given.consecutive_failures.map(|it| it.get().into()),
            Setting::FailureRate => self.failure_rate().map(SettingValue::Float),
            Setting::Window => match self.span {
                Span::Unlimited => None,
                Span::Calls(calls) => Some(calls.get().into()),
                Span::Time(length) => Some(time(length)),
            },
            Setting::MinimumCalls => Some(self.minimum_calls().into()),
            Setting::SlowCall => self.slow_call().map(time),
            Setting::SlowCallRate => self.slow_call_rate().map(SettingValue::Float),
            Setting::RecoveryTimeout => Some(time(self.recovery_timeout())),
            Setting::Backoff => Some(SettingValue::Float(self.backoff())),
            Setting::MaxRecoveryTimeout => Some(time(self.max_recovery_timeout())),
            Setting::Jitter => Some(SettingValue::Float(self.jitter())),
            Setting::HalfOpenMaxCalls => Some(self.half_open_max_calls().into()),
            Setting::SuccessThreshold => Some(self.success_threshold().into()),
            Setting::HalfOpenTimeout => Some(time(self.half_open_timeout())),
            Setting::Ramp => self.ramp().map(time),
            Setting::CallTimeout => self.call_timeout().map(time),
            Setting::MaxConcurrent => self.max_concurrent().map(SettingValue::from),
            Setting::MaxWait => Some(time(self.max_wait())),
            Setting::CancelledAfter => Some(time(self.cancelled_after())),
            Setting::Hang => self.hang().map(time),
            Setting::MaxOpen => Some(SettingValue::Float(self.max_open())),
            Setting::Shared => Some(label(self.shared().label())),
            Setting::Adopt => Some(label(self.adopt().label())),
            Setting::Mode => Some(label(self.mode().label())),
            Setting::Critical => Some(SettingValue::Bool(self.critical())),
            Setting::Durations => Some(SettingValue::Bool(self.durations())),
        }
    }

    /// Returns the threshold that was set, or its default. Without a window, the methods of the config show the smaller
    /// one of it and `consecutive_failures` for both.
    fn stated_failure_threshold(&self) -> Option<NonZeroU32> {
        let is_derived = || self.given.consecutive_failures.is_none();
        let default = || self.rules.failures.or_else(|| self.rules.consecutive.filter(|_| is_derived()));
        self.given.failure_threshold.or_else(default)
    }

    /// Returns the settings whose effective values differ.
    pub(crate) fn differences(&self, other: &Self) -> impl Iterator<Item = Setting> {
        Setting::ALL.iter().copied().filter(|setting| self.value(*setting) != other.value(*setting))
    }
}
