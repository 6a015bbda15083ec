//! Every setting of a circuit breaker, with its unit, range and default, in one place.
//!
//! A [`Config`] is valid by construction: the builder is the only way to one, and it is `const`, so
//! that the attribute checks its settings while the user's crate compiles.

mod builder;
mod error;
mod name;

use std::num::NonZeroU32;
use std::time::Duration;

pub use builder::ConfigBuilder;
pub use error::ConfigError;
pub(crate) use name::Name;

use crate::state::Recovery;

/// The settings of a circuit breaker. The default opens after five failures in a row, tries again
/// after thirty seconds, and closes after three successful trials.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::Config;
///
/// const STRICT: Config = match Config::builder()
///     .failure_threshold(2)
///     .recovery_timeout(Duration::from_secs(5))
///     .build()
/// {
///     Ok(config) => config,
///     Err(_) => panic!("checked while this compiles"),
/// };
/// assert_eq!(STRICT.failure_threshold(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    failure_threshold: NonZeroU32,
    recovery: Recovery,
}

impl Config {
    /// Starts from the defaults.
    pub const fn builder() -> ConfigBuilder {
        ConfigBuilder::new()
    }

    /// How many failures in a row open the circuit.
    #[must_use]
    pub const fn failure_threshold(&self) -> u32 {
        self.failure_threshold.get()
    }

    /// How long the circuit stays open before it admits a trial.
    #[must_use]
    pub const fn recovery_timeout(&self) -> Duration {
        self.recovery.recovery_timeout
    }

    /// How many trials may run at a time.
    #[must_use]
    pub const fn half_open_max_calls(&self) -> u32 {
        self.recovery.half_open_max_calls.get()
    }

    /// How many successful trials close the circuit.
    #[must_use]
    pub const fn success_threshold(&self) -> u32 {
        self.recovery.success_threshold.get()
    }

    /// How long a trial may take before it counts as failed.
    #[must_use]
    pub const fn half_open_timeout(&self) -> Duration {
        self.recovery.half_open_timeout
    }

    pub(crate) const fn threshold(&self) -> NonZeroU32 {
        self.failure_threshold
    }

    pub(crate) const fn recovery(&self) -> &Recovery {
        &self.recovery
    }
}

impl Default for Config {
    fn default() -> Self {
        builder::DEFAULT
    }
}
