//! What the settings mean together: defaults that follow others, and pairs that make no sense.

use std::num::NonZeroU32;
use std::time::Duration;

use super::builder::non_zero;
use super::{Config, ConfigBuilder, ConfigError};
use crate::state::{Factor, Recovery};
use crate::window::{Rate, Rules, Span};

const FAILURES: NonZeroU32 = non_zero(5);
const MINIMUM_CALLS: NonZeroU32 = non_zero(10);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5 * 60);

pub(super) const DEFAULT: Config = ConfigBuilder::new().made();

impl ConfigBuilder {
    pub(super) const fn combined(self) -> Result<Config, ConfigError> {
        let fault = match &self.error {
            Some(error) => Some(error.message()),
            None => self.disagreement(),
        };
        match fault {
            Some(message) => Err(ConfigError::new(message)),
            None => Ok(self.made()),
        }
    }

    /// Of settings that were checked: here, or by the attribute and the compiler.
    pub(crate) const fn made(self) -> Config {
        let rules = self.rules();
        self.with(rules)
    }

    const fn disagreement(&self) -> Option<&'static str> {
        if let Some(message) = self.rules_disagree() {
            return Some(message);
        }
        if self.limits.max_concurrent.is_none() && !self.limits.max_wait.is_zero() {
            return Some("max_wait needs max_concurrent: without it no call ever waits");
        }
        self.recovery_disagrees()
    }

    /// Whether the longest time is shorter than the first one.
    pub(crate) const fn recovery_disagrees(&self) -> Option<&'static str> {
        match (self.max_recovery_timeout, self.backoff) {
            (Some(_), None) => Some("max_recovery_timeout needs backoff: without it no time grows"),
            (Some(most), Some(_)) if is_shorter(most, self.recovery_timeout) => {
                Some("max_recovery_timeout must be at least recovery_timeout")
            }
            (Some(_) | None, _) => None,
        }
    }

    /// Whether a rate has nothing to look at, or waits for more calls than there can be.
    pub(crate) const fn rules_disagree(&self) -> Option<&'static str> {
        let has_rate = self.failure_rate.is_some() || self.slow_call.is_some();
        if self.slow_call_rate.is_some() && self.slow_call.is_none() {
            return Some("slow_call_rate needs slow_call, which says from how long on a call is slow");
        }
        if has_rate && matches!(self.span, Span::Unlimited) {
            return Some("failure_rate and slow_call need a window: window_calls or window_time");
        }
        match (self.minimum_calls, self.span) {
            (Some(_), _) if !has_rate => {
                Some("minimum_calls holds back rates; set failure_rate or slow_call")
            }
            (Some(minimum), Span::Calls(calls)) if minimum.get() > calls.get() => {
                Some("minimum_calls must be at most the window of calls, which never holds more")
            }
            (Some(_) | None, _) => self.threshold_disagrees(),
        }
    }

    const fn threshold_disagrees(&self) -> Option<&'static str> {
        match (self.failure_threshold, self.span) {
            (Some(failures), Span::Calls(calls)) if failures.get() > calls.get() => {
                Some("failure_threshold must be at most the window of calls, which never holds more")
            }
            (Some(_) | None, _) => None,
        }
    }

    const fn rules(&self) -> Rules {
        let no_rule = self.failure_threshold.is_none()
            && self.consecutive_failures.is_none()
            && self.failure_rate.is_none()
            && self.slow_call.is_none();
        let failures = match (no_rule, self.span) {
            (true, Span::Calls(calls)) if calls.get() < FAILURES.get() => Some(calls),
            (true, _) => Some(FAILURES),
            (false, _) => self.failure_threshold,
        };
        let is_windowed = !matches!(self.span, Span::Unlimited);
        Rules {
            consecutive: if is_windowed {
                self.consecutive_failures
            } else {
                the_smaller(failures, self.consecutive_failures)
            },
            failures: if is_windowed { failures } else { None },
            failure_rate: self.failure_rate,
            slow_call_rate: match (self.slow_call, self.slow_call_rate) {
                (Some(_), None) => Some(Rate::HALF),
                (_, rate) => rate,
            },
            minimum_calls: match (self.minimum_calls, self.span) {
                (Some(calls), _) => calls,
                (None, Span::Calls(calls)) if calls.get() < MINIMUM_CALLS.get() => calls,
                (None, _) => MINIMUM_CALLS,
            },
        }
    }

    const fn with(self, rules: Rules) -> Config {
        let open_for = self.recovery_timeout;
        Config {
            rules,
            span: self.span,
            slow_call: self.slow_call,
            durations: self.durations || self.slow_call.is_some(),
            recovery: Recovery {
                recovery_timeout: open_for,
                backoff: match self.backoff {
                    Some(factor) => factor,
                    None => Factor::ONE,
                },
                max_recovery_timeout: match self.max_recovery_timeout {
                    Some(most) => most,
                    None if is_shorter(LONGEST_BACKOFF, open_for) => open_for,
                    None => LONGEST_BACKOFF,
                },
                jitter: self.jitter,
                half_open_max_calls: self.half_open_max_calls,
                success_threshold: self.success_threshold,
                half_open_timeout: match self.half_open_timeout {
                    Some(lease) => lease,
                    None => match self.limits.call_timeout {
                        Some(limit) if is_shorter(open_for, limit) => limit,
                        Some(_) | None => open_for,
                    },
                },
            },
            limits: self.limits,
            mode: self.mode,
            critical: self.critical,
        }
    }
}

const fn is_shorter(one: Duration, other: Duration) -> bool {
    one.as_nanos() < other.as_nanos()
}

const fn the_smaller(one: Option<NonZeroU32>, other: Option<NonZeroU32>) -> Option<NonZeroU32> {
    match (one, other) {
        (Some(one), Some(other)) if other.get() < one.get() => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}
