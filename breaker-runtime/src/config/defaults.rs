//! The defaults that depend on other settings, and the step from a builder to a [`Config`].
//!
//! This file does not check settings: `consistency.rs` has done that, or the attribute and the compiler have.

use std::num::NonZeroU32;
use std::time::Duration;

use super::builder::non_zero;
use super::{Adopt, Config, ConfigBuilder, Mode, Sharing};
use crate::state::{Factor, Recovery, Share};
use crate::window::{Rate, Rules, Span};

const DEFAULT_FAILURE_THRESHOLD: NonZeroU32 = non_zero(5);
const DEFAULT_RECOVERY_TIMEOUT: Duration = Duration::from_secs(30);
/// The number of trial calls that run at the same time, and that close the circuit.
const DEFAULT_TRIALS: NonZeroU32 = non_zero(3);
const DEFAULT_MINIMUM_CALLS: NonZeroU32 = non_zero(10);
const DEFAULT_MAX_RECOVERY_TIMEOUT: Duration = Duration::from_secs(5 * 60);

pub(super) const DEFAULT: Config = ConfigBuilder::new().build_unchecked();

impl ConfigBuilder {
    /// Returns the config of settings that are known to be valid.
    pub(crate) const fn build_unchecked(self) -> Config {
        Config {
            rules: self.rules(),
            span: self.span(),
            slow_call: self.slow_call,
            durations: self.slow_call.is_some() || is_true(self.durations),
            recovery: self.recovery(),
            limits: self.limits(),
            max_open: self.limiting_max_open(),
            shared: match self.shared {
                Some(shared) => shared,
                None => Sharing::Local,
            },
            adopt: match self.adopt {
                Some(adopt) => adopt,
                None => Adopt::UnlessHealthy,
            },
            mode: match self.mode {
                Some(mode) => mode,
                None => Mode::Enforce,
            },
            critical: is_true(self.critical),
            given: self.inherited(),
        }
    }

    /// Returns the time that the circuit stays open, with its default.
    pub(super) const fn recovery_timeout_or_default(&self) -> Duration {
        match self.recovery_timeout {
            Some(open_for) => open_for,
            None => DEFAULT_RECOVERY_TIMEOUT,
        }
    }

    const fn span(&self) -> Span {
        match self.window {
            Some(span) => span,
            None => Span::Unlimited,
        }
    }

    const fn rules(&self) -> Rules {
        let failures = self.failures();
        let has_window = self.window.is_some();
        Rules {
            consecutive: if has_window {
                self.consecutive_failures
            } else {
                smaller(failures, self.consecutive_failures)
            },
            failures: if has_window { failures } else { None },
            failure_rate: self.failure_rate,
            slow_call_rate: match (self.slow_call, self.slow_call_rate) {
                (Some(_), None) => Some(Rate::HALF),
                (_, rate) => rate,
            },
            minimum_calls: match (self.minimum_calls, self.window) {
                (Some(calls), _) => calls,
                (None, Some(Span::Calls(calls))) if calls.get() < DEFAULT_MINIMUM_CALLS.get() => calls,
                (None, _) => DEFAULT_MINIMUM_CALLS,
            },
        }
    }

    /// Returns the number of failures that open the circuit. It has a default only if no rule is set.
    const fn failures(&self) -> Option<NonZeroU32> {
        let has_rule = self.failure_threshold.is_some()
            || self.consecutive_failures.is_some()
            || self.failure_rate.is_some()
            || self.slow_call.is_some();
        match (has_rule, self.window) {
            (true, _) => self.failure_threshold,
            (false, Some(Span::Calls(calls))) if calls.get() < DEFAULT_FAILURE_THRESHOLD.get() => Some(calls),
            (false, _) => Some(DEFAULT_FAILURE_THRESHOLD),
        }
    }

    const fn recovery(&self) -> Recovery {
        let recovery_timeout = self.recovery_timeout_or_default();
        Recovery {
            recovery_timeout,
            backoff: match self.backoff {
                Some(factor) => factor,
                None => Factor::ONE,
            },
            max_recovery_timeout: match self.max_recovery_timeout {
                Some(max) => max,
                None => longer(DEFAULT_MAX_RECOVERY_TIMEOUT, recovery_timeout),
            },
            jitter: match self.jitter {
                Some(jitter) => jitter,
                None => Share::NONE,
            },
            half_open_max_calls: match self.half_open_max_calls {
                Some(trials) => trials,
                None => DEFAULT_TRIALS,
            },
            success_threshold: match self.success_threshold {
                Some(successes) => successes,
                None => DEFAULT_TRIALS,
            },
            half_open_timeout: match (self.half_open_timeout, self.limits().call_timeout) {
                (Some(timeout), _) => timeout,
                (None, Some(call_timeout)) => longer(recovery_timeout, call_timeout),
                (None, None) => recovery_timeout,
            },
            ramp: self.ramp,
        }
    }
}

const fn is_true(flag: Option<bool>) -> bool {
    matches!(flag, Some(true))
}

const fn longer(first: Duration, second: Duration) -> Duration {
    if first.as_nanos() < second.as_nanos() { second } else { first }
}

const fn smaller(first: Option<NonZeroU32>, second: Option<NonZeroU32>) -> Option<NonZeroU32> {
    match (first, second) {
        (Some(first), Some(second)) if second.get() < first.get() => Some(second),
        (Some(first), _) => Some(first),
        (None, second) => second,
    }
}
