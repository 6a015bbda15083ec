//! The JSON of the settings: every setting by the name of its builder method.

use std::time::Duration;

use serde::Serialize;

use crate::config::{Adopt, Config, Mode, Sharing};

/// The settings of a breaker. Times are in seconds; `Duration::MAX` is null.
#[derive(Serialize)]
pub(super) struct SettingsJson {
    failure_threshold: Option<u32>,
    consecutive_failures: Option<u32>,
    failure_rate: Option<f64>,
    slow_call: Option<f64>,
    slow_call_rate: Option<f64>,
    window_calls: Option<u32>,
    window_time: Option<f64>,
    minimum_calls: u32,
    recovery_timeout: Option<f64>,
    backoff: f64,
    max_recovery_timeout: Option<f64>,
    jitter: f64,
    half_open_max_calls: u32,
    success_threshold: u32,
    half_open_timeout: Option<f64>,
    ramp: Option<f64>,
    hang: Option<f64>,
    call_timeout: Option<f64>,
    max_concurrent: Option<u32>,
    max_wait: Option<f64>,
    cancelled_after: Option<f64>,
    max_open: f64,
    shared: Sharing,
    adopt: Adopt,
    mode: Mode,
    durations: bool,
}

impl From<&Config> for SettingsJson {
    fn from(config: &Config) -> Self {
        Self {
            failure_threshold: config.failure_threshold(),
            consecutive_failures: config.consecutive_failures(),
            failure_rate: config.failure_rate(),
            slow_call: config.slow_call().and_then(seconds),
            slow_call_rate: config.slow_call_rate(),
            window_calls: config.window_calls(),
            window_time: config.window_time().and_then(seconds),
            minimum_calls: config.minimum_calls(),
            recovery_timeout: seconds(config.recovery_timeout()),
            backoff: config.backoff(),
            max_recovery_timeout: seconds(config.max_recovery_timeout()),
            jitter: config.jitter(),
            half_open_max_calls: config.half_open_max_calls(),
            success_threshold: config.success_threshold(),
            half_open_timeout: seconds(config.half_open_timeout()),
            ramp: config.ramp().and_then(seconds),
            hang: config.hang().and_then(seconds),
            call_timeout: config.call_timeout().and_then(seconds),
            max_concurrent: config.max_concurrent(),
            max_wait: seconds(config.max_wait()),
            cancelled_after: seconds(config.cancelled_after()),
            max_open: config.max_open(),
            shared: config.shared(),
            adopt: config.adopt(),
            mode: config.mode(),
            durations: config.durations(),
        }
    }
}

/// Returns the time in seconds, `None` for [`Duration::MAX`].
fn seconds(time: Duration) -> Option<f64> {
    (time != Duration::MAX).then_some(time.as_secs_f64())
}
