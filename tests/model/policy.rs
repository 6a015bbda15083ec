//! The settings of the reference model, as plain numbers, and their translation into a `Config` of the
//! library.

use std::time::Duration;

use breaker_runtime::{Config, Mode};

/// The settings of one script. Times are nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Policy {
    pub(crate) window: Span,
    pub(crate) consecutive: Option<u32>,
    /// Threshold of failures within the window.
    pub(crate) failures: Option<u32>,
    pub(crate) failure_rate: Option<f64>,
    pub(crate) slow_call: Option<u64>,
    pub(crate) slow_call_rate: f64,
    pub(crate) minimum_calls: u32,
    pub(crate) recovery: u64,
    pub(crate) backoff: u32,
    pub(crate) max_recovery: u64,
    pub(crate) trial_slots: u32,
    pub(crate) successes: u32,
    pub(crate) lease: u64,
    pub(crate) ramp: Option<u64>,
    pub(crate) hang: Option<u64>,
    pub(crate) cancelled_after: u64,
    pub(crate) max_concurrent: Option<u32>,
    pub(crate) shadow: bool,
}

/// The extent of the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Span {
    None,
    Calls(u32),
    Time(u64),
}

impl Span {
    /// Returns the number of failures, limited to the size of a count-based window.
    pub(crate) fn at_most(self, failures: u32) -> u32 {
        match self {
            Self::Calls(calls) => failures.min(calls),
            Self::None | Self::Time(_) => failures,
        }
    }
}

impl Policy {
    /// Returns the time that the circuit stays open after a number of reopenings.
    pub(crate) fn open_for(&self, reopenings: u32) -> u64 {
        let grown = u64::from(self.backoff).saturating_pow(reopenings).saturating_mul(self.recovery);
        if self.backoff == 1 { self.recovery } else { grown.min(self.max_recovery) }
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config::builder()
            .recovery_timeout(Duration::from_nanos(self.recovery))
            .half_open_max_calls(self.trial_slots)
            .success_threshold(self.successes)
            .half_open_timeout(Duration::from_nanos(self.lease))
            .cancelled_after(Duration::from_nanos(self.cancelled_after))
            .mode(if self.shadow { Mode::Shadow } else { Mode::Enforce });
        config = match self.window {
            Span::None => config,
            Span::Calls(calls) => config.window_calls(calls),
            Span::Time(time) => config.window_time(Duration::from_nanos(time)),
        };
        if let Some(failures) = self.consecutive {
            config = config.consecutive_failures(failures);
        }
        if let Some(failures) = self.failures {
            config = config.failure_threshold(failures);
        }
        if let Some(rate) = self.failure_rate {
            config = config.failure_rate(rate);
        }
        if let Some(time) = self.slow_call {
            config = config.slow_call(Duration::from_nanos(time)).slow_call_rate(self.slow_call_rate);
        }
        if self.failure_rate.is_some() || self.slow_call.is_some() {
            config = config.minimum_calls(self.minimum_calls);
        }
        if self.backoff > 1 {
            config = config
                .backoff(f64::from(self.backoff))
                .max_recovery_timeout(Duration::from_nanos(self.max_recovery));
        }
        if let Some(time) = self.ramp {
            config = config.ramp(Duration::from_nanos(time));
        }
        if let Some(time) = self.hang {
            config = config.hang(Duration::from_nanos(time));
        }
        if let Some(calls) = self.max_concurrent {
            config = config.max_concurrent(calls);
        }
        config.build().expect("the settings are in range")
    }
}
