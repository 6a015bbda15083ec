//! Checks settings that depend on each other. The range of each single setting is checked by the builder.
//!
//! Every check returns the first problem that it finds.

use super::{ConfigBuilder, ConfigError, Setting};
use crate::window::Span;

impl ConfigBuilder {
    /// Returns the first problem of settings that are each in range.
    pub(crate) const fn consistency_error(&self) -> Option<ConfigError> {
        if let Some(error) = self.rules_error() {
            return Some(error);
        }
        if self.max_concurrent.is_none() && self.waits() {
            let message = "max_wait needs max_concurrent; without it no call waits";
            return Some(ConfigError::of_setting(Setting::MaxWait, message));
        }
        if let Some(error) = self.sharing_error() {
            return Some(error);
        }
        self.recovery_error()
    }

    /// Returns the problem of a `max_recovery_timeout` that is too short. It has an effect without `backoff` too,
    /// because it limits the hints of failures.
    pub(crate) const fn recovery_error(&self) -> Option<ConfigError> {
        match self.max_recovery_timeout {
            Some(max) if max.as_nanos() < self.recovery_timeout_or_default().as_nanos() => {
                let message = "max_recovery_timeout must be at least recovery_timeout";
                Some(ConfigError::of_setting(Setting::MaxRecoveryTimeout, message))
            }
            Some(_) | None => None,
        }
    }

    /// Returns the problem of a rule that lacks a window or needs more calls than the window holds.
    pub(crate) const fn rules_error(&self) -> Option<ConfigError> {
        let has_rate = self.failure_rate.is_some() || self.slow_call.is_some();
        if self.slow_call_rate.is_some() && self.slow_call.is_none() {
            let message = "slow_call_rate needs slow_call, the minimum duration of a slow call";
            return Some(ConfigError::of_setting(Setting::SlowCallRate, message));
        }
        if has_rate && self.window.is_none() {
            let setting = if self.failure_rate.is_some() { Setting::FailureRate } else { Setting::SlowCall };
            let message = "failure_rate and slow_call need a window; set window_calls or window_time";
            return Some(ConfigError::of_setting(setting, message));
        }
        match (self.minimum_calls, self.window) {
            (Some(_), _) if !has_rate => Some(ConfigError::of_setting(
                Setting::MinimumCalls,
                "minimum_calls applies to rates only; set failure_rate or slow_call",
            )),
            (Some(minimum), Some(Span::Calls(calls))) if minimum.get() > calls.get() => {
                Some(ConfigError::of_setting(
                    Setting::MinimumCalls,
                    "minimum_calls must be at most the window; the window never holds more calls",
                ))
            }
            (Some(_) | None, _) => self.threshold_error(),
        }
    }

    const fn threshold_error(&self) -> Option<ConfigError> {
        match (self.failure_threshold, self.window) {
            (Some(failures), Some(Span::Calls(calls))) if failures.get() > calls.get() => {
                Some(ConfigError::of_setting(
                    Setting::FailureThreshold,
                    "failure_threshold must be at most the window; the window never holds more calls",
                ))
            }
            (Some(_) | None, _) => None,
        }
    }
}
