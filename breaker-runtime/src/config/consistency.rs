//! Checks settings that depend on each other. The range of each single setting is checked by the builder.
//!
//! Every check returns the message of the first problem that it finds.

use super::ConfigBuilder;
use crate::window::Span;

impl ConfigBuilder {
    /// Returns the first problem of settings that are each in range.
    pub(crate) const fn consistency_error(&self) -> Option<&'static str> {
        if let Some(message) = self.rules_error() {
            return Some(message);
        }
        if self.limits.max_concurrent.is_none() && !self.limits.max_wait.is_zero() {
            return Some("max_wait needs max_concurrent; without it no call waits");
        }
        if let Some(message) = self.sharing_error() {
            return Some(message);
        }
        self.recovery_error()
    }

    /// Returns the problem of a `max_recovery_timeout` that is too short. It has an effect without `backoff` too,
    /// because it limits the hints of failures.
    pub(crate) const fn recovery_error(&self) -> Option<&'static str> {
        match self.max_recovery_timeout {
            Some(max) if max.as_nanos() < self.recovery_timeout.as_nanos() => {
                Some("max_recovery_timeout must be at least recovery_timeout")
            }
            Some(_) | None => None,
        }
    }

    /// Returns the problem of a rule that lacks a window or needs more calls than the window holds.
    pub(crate) const fn rules_error(&self) -> Option<&'static str> {
        let has_rate = self.failure_rate.is_some() || self.slow_call.is_some();
        if self.slow_call_rate.is_some() && self.slow_call.is_none() {
            return Some("slow_call_rate needs slow_call, the minimum duration of a slow call");
        }
        if has_rate && matches!(self.span, Span::Unlimited) {
            return Some("failure_rate and slow_call need a window; set window_calls or window_time");
        }
        match (self.minimum_calls, self.span) {
            (Some(_), _) if !has_rate => {
                Some("minimum_calls applies to rates only; set failure_rate or slow_call")
            }
            (Some(minimum), Span::Calls(calls)) if minimum.get() > calls.get() => {
                Some("minimum_calls must be at most the window; the window never holds more calls")
            }
            (Some(_) | None, _) => self.threshold_error(),
        }
    }

    const fn threshold_error(&self) -> Option<&'static str> {
        match (self.failure_threshold, self.span) {
            (Some(failures), Span::Calls(calls)) if failures.get() > calls.get() => {
                Some("failure_threshold must be at most the window; the window never holds more calls")
            }
            (Some(_) | None, _) => None,
        }
    }
}
