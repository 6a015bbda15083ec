//! The way to a [`Config`]: takes plain numbers, remembers the first one that is out of range.

use std::num::NonZeroU32;
use std::time::Duration;

use super::{Config, ConfigError};
use crate::state::{MAX_PLACES, MAX_RUN, Recovery};

/// Builds a [`Config`]; what is not set keeps its default.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::Config;
///
/// let config = Config::builder()
///     .failure_threshold(3)
///     .recovery_timeout(Duration::from_secs(10))
///     .half_open_max_calls(1)
///     .success_threshold(2)
///     .half_open_timeout(Duration::from_secs(2))
///     .build()?;
/// assert_eq!(config.success_threshold(), 2);
/// # Ok::<(), breaker_runtime::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "call build() to get the settings"]
pub struct ConfigBuilder {
    config: Config,
    /// Follows `recovery_timeout` until it is set.
    half_open_timeout: Option<Duration>,
    error: Option<ConfigError>,
}

pub(super) const DEFAULT: Config = Config {
    failure_threshold: non_zero(5),
    recovery: Recovery {
        recovery_timeout: Duration::from_secs(30),
        half_open_max_calls: non_zero(3),
        success_threshold: non_zero(3),
        half_open_timeout: Duration::from_secs(30),
    },
};

impl ConfigBuilder {
    pub(super) const fn new() -> Self {
        Self { config: DEFAULT, half_open_timeout: None, error: None }
    }

    /// How many failures in a row open the circuit: 1 to 16,777,215; default 5. Equal is enough: with
    /// 5, the fifth failure opens.
    #[doc(alias = "maxFailures")]
    #[doc(alias = "handledEventsAllowedBeforeBreaking")]
    pub const fn failure_threshold(mut self, failures: u32) -> Self {
        match NonZeroU32::new(failures) {
            Some(failures) if failures.get() <= MAX_RUN => self.config.failure_threshold = failures,
            _ => self.refuse("failure_threshold must be between 1 and 16777215"),
        }
        self
    }

    /// How long the circuit stays open before a call is admitted as a trial: longer than zero;
    /// default 30 seconds. At exactly this time a call is admitted. `Duration::MAX` means never.
    #[doc(alias = "waitDurationInOpenState")]
    #[doc(alias = "BreakDuration")]
    pub const fn recovery_timeout(mut self, open_for: Duration) -> Self {
        if open_for.is_zero() {
            self.refuse("recovery_timeout must be longer than zero");
        }
        self.config.recovery.recovery_timeout = open_for;
        self
    }

    /// How many trials may run at a time while the circuit is half-open: 1 to 1,024; default 3.
    #[doc(alias = "permittedNumberOfCallsInHalfOpenState")]
    #[doc(alias = "MaxRequests")]
    pub const fn half_open_max_calls(mut self, trials: u32) -> Self {
        match NonZeroU32::new(trials) {
            Some(trials) if trials.get() <= MAX_PLACES => self.config.recovery.half_open_max_calls = trials,
            _ => self.refuse("half_open_max_calls must be between 1 and 1024"),
        }
        self
    }

    /// How many successful trials close the circuit: at least 1; default 3. One failed trial opens it
    /// again.
    pub const fn success_threshold(mut self, successes: u32) -> Self {
        match NonZeroU32::new(successes) {
            Some(successes) => self.config.recovery.success_threshold = successes,
            None => self.refuse("success_threshold must be at least 1"),
        }
        self
    }

    /// How long a trial may take before it counts as failed and gives its place back: longer than
    /// zero; default: as long as `recovery_timeout`. `Duration::MAX` means never, and then a trial
    /// whose permit is leaked holds its place until an operator resets the breaker.
    #[doc(alias = "maxWaitDurationInHalfOpenState")]
    pub const fn half_open_timeout(mut self, lease: Duration) -> Self {
        if lease.is_zero() {
            self.refuse("half_open_timeout must be longer than zero");
        }
        self.half_open_timeout = Some(lease);
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// The first setting that was out of its range.
    pub const fn build(self) -> Result<Config, ConfigError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let mut config = self.config;
        config.recovery.half_open_timeout = match self.half_open_timeout {
            Some(lease) => lease,
            None => config.recovery.recovery_timeout,
        };
        Ok(config)
    }

    pub(crate) const fn error(&self) -> Option<&ConfigError> {
        self.error.as_ref()
    }

    const fn refuse(&mut self, message: &'static str) {
        if self.error.is_none() {
            self.error = Some(ConfigError::new(message));
        }
    }
}

const fn non_zero(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}
