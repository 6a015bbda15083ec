//! The settings by name. The names are those of the keys of the attribute.

use std::fmt;

/// Declares the enum of all settings, the list of its variants, and their names.
macro_rules! settings {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// A setting of a circuit breaker, by the name that the attribute, configuration files and JSON use for it.
        ///
        /// ```
        /// use breaker_runtime::Setting;
        ///
        /// assert_eq!(Setting::FailureThreshold.label(), "failure_threshold");
        /// assert_eq!("window".parse(), Ok(Setting::Window));
        /// assert!("windows".parse::<Setting>().is_err());
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Setting {
            $($(#[$doc])* $variant,)+
        }

        impl Setting {
            /// All settings, in the order of the documentation of the attribute.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the name in settings and JSON, which `Display` writes and `FromStr` reads.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

settings! {
    /// See [`failure_threshold`](crate::ConfigBuilder::failure_threshold).
    FailureThreshold = "failure_threshold",
    /// See [`consecutive_failures`](crate::ConfigBuilder::consecutive_failures).
    ConsecutiveFailures = "consecutive_failures",
    /// See [`failure_rate`](crate::ConfigBuilder::failure_rate).
    FailureRate = "failure_rate",
    /// See [`window_calls`](crate::ConfigBuilder::window_calls) and
    /// [`window_time`](crate::ConfigBuilder::window_time).
    Window = "window",
    /// See [`minimum_calls`](crate::ConfigBuilder::minimum_calls).
    MinimumCalls = "minimum_calls",
    /// See [`slow_call`](crate::ConfigBuilder::slow_call).
    SlowCall = "slow_call",
    /// See [`slow_call_rate`](crate::ConfigBuilder::slow_call_rate).
    SlowCallRate = "slow_call_rate",
    /// See [`recovery_timeout`](crate::ConfigBuilder::recovery_timeout).
    RecoveryTimeout = "recovery_timeout",
    /// See [`backoff`](crate::ConfigBuilder::backoff).
    Backoff = "backoff",
    /// See [`max_recovery_timeout`](crate::ConfigBuilder::max_recovery_timeout).
    MaxRecoveryTimeout = "max_recovery_timeout",
    /// See [`jitter`](crate::ConfigBuilder::jitter).
    Jitter = "jitter",
    /// See [`half_open_max_calls`](crate::ConfigBuilder::half_open_max_calls).
    HalfOpenMaxCalls = "half_open_max_calls",
    /// See [`success_threshold`](crate::ConfigBuilder::success_threshold).
    SuccessThreshold = "success_threshold",
    /// See [`half_open_timeout`](crate::ConfigBuilder::half_open_timeout).
    HalfOpenTimeout = "half_open_timeout",
    /// See [`ramp`](crate::ConfigBuilder::ramp).
    Ramp = "ramp",
    /// See [`call_timeout`](crate::ConfigBuilder::call_timeout).
    CallTimeout = "call_timeout",
    /// See [`max_concurrent`](crate::ConfigBuilder::max_concurrent).
    MaxConcurrent = "max_concurrent",
    /// See [`max_wait`](crate::ConfigBuilder::max_wait).
    MaxWait = "max_wait",
    /// See [`cancelled_after`](crate::ConfigBuilder::cancelled_after).
    CancelledAfter = "cancelled_after",
    /// See [`hang`](crate::ConfigBuilder::hang).
    Hang = "hang",
    /// See [`max_open`](crate::ConfigBuilder::max_open).
    MaxOpen = "max_open",
    /// See [`shared`](crate::ConfigBuilder::shared).
    Shared = "shared",
    /// See [`adopt`](crate::ConfigBuilder::adopt).
    Adopt = "adopt",
    /// See [`mode`](crate::ConfigBuilder::mode).
    Mode = "mode",
    /// See [`critical`](crate::ConfigBuilder::critical).
    Critical = "critical",
    /// See [`durations`](crate::ConfigBuilder::durations).
    Durations = "durations",
}

impl fmt::Display for Setting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.label())
    }
}

/// A set of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SettingSet(u32);

impl SettingSet {
    pub(crate) const NONE: Self = Self(0);

    #[must_use]
    pub(crate) const fn with(self, setting: Setting) -> Self {
        Self(self.0 | 1 << setting as u32)
    }

    #[must_use]
    pub(crate) const fn without(self, setting: Setting) -> Self {
        Self(self.0 & !(1 << setting as u32))
    }

    #[must_use]
    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn contains(self, setting: Setting) -> bool {
        self.0 & (1 << setting as u32) > 0
    }
}

const _: () = assert!(Setting::ALL.len() <= u32::BITS as usize, "a set of settings is a u32");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_found_by_its_name_and_is_a_different_element_of_a_set() {
        for setting in Setting::ALL {
            assert_eq!(setting.label().parse(), Ok(*setting));
            let only = SettingSet::NONE.with(*setting);
            let elements: Vec<_> = Setting::ALL.iter().filter(|each| only.contains(**each)).collect();
            assert_eq!(elements, [setting]);
            assert_eq!(only.union(SettingSet::NONE), only);
            assert!(!only.without(*setting).contains(*setting));
        }
    }
}
