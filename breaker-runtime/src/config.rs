//! Every setting of a circuit breaker, with its unit, range and default, in one place.
//!
//! A [`Config`] is valid by construction: the builder is the only way to one, and it is `const`, so
//! that what the attribute is given as a const expression is checked while the user's crate compiles. The attribute
//! checks literals itself.
//!
//! | file | |
//! |---|---|
//! | `builder.rs` | takes plain numbers, remembers the first that is out of range |
//! | `combine.rs` | what settings mean together, and which ones do not go together |
//! | `limits.rs` | how long a call may take, how many may run at a time |
//! | `name.rs` | the name of a breaker |
//! | `circuit_id.rs` | the name of a breaker and the key of a circuit |
//! | `settings.rs` | a config, shared by those who obey it |
//! | `error.rs` | what is wrong with a setting |
//! | `conflict.rs` | a name that was declared in two ways |

mod builder;
mod circuit_id;
mod combine;
mod conflict;
mod error;
mod limits;
mod name;
mod settings;

use std::time::Duration;

pub use builder::ConfigBuilder;
pub(crate) use circuit_id::CircuitId;
pub use conflict::Conflict;
pub use error::ConfigError;
pub(crate) use limits::Limits;
pub use limits::Mode;
pub(crate) use name::Name;
pub(crate) use settings::Settings;

use crate::state::Recovery;
use crate::window::{Rules, Span};

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
/// assert_eq!(STRICT.failure_threshold(), Some(2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    rules: Rules,
    span: Span,
    slow_call: Option<Duration>,
    durations: bool,
    recovery: Recovery,
    limits: Limits,
    mode: Mode,
    critical: bool,
}

impl Config {
    /// Starts from the defaults.
    pub const fn builder() -> ConfigBuilder {
        ConfigBuilder::new()
    }

    /// How many failures open the circuit: in a row, or within the window if there is one. None if
    /// only other rules were set.
    #[must_use]
    pub const fn failure_threshold(&self) -> Option<u32> {
        match (self.rules.failures, self.rules.consecutive) {
            (Some(failures), _) => Some(failures.get()),
            (None, Some(run)) if matches!(self.span, Span::Unlimited) => Some(run.get()),
            (None, _) => None,
        }
    }

    /// How many failures in a row open the circuit.
    #[must_use]
    pub const fn consecutive_failures(&self) -> Option<u32> {
        match self.rules.consecutive {
            Some(run) => Some(run.get()),
            None => None,
        }
    }

    /// Which share of failures opens the circuit.
    #[must_use]
    pub const fn failure_rate(&self) -> Option<f64> {
        match self.rules.failure_rate {
            Some(rate) => Some(rate.get()),
            None => None,
        }
    }

    /// How many of the last calls the rules look at.
    #[must_use]
    pub const fn window_calls(&self) -> Option<u32> {
        match self.span {
            Span::Calls(calls) => Some(calls.get()),
            Span::Unlimited | Span::Time(_) => None,
        }
    }

    /// How far back the rules look.
    #[must_use]
    pub const fn window_time(&self) -> Option<Duration> {
        match self.span {
            Span::Time(time) => Some(time),
            Span::Unlimited | Span::Calls(_) => None,
        }
    }

    /// How many calls the window must hold before a rate opens the circuit.
    #[must_use]
    pub const fn minimum_calls(&self) -> u32 {
        self.rules.minimum_calls.get()
    }

    /// From how long on a call is slow.
    #[must_use]
    pub const fn slow_call(&self) -> Option<Duration> {
        self.slow_call
    }

    /// Which share of slow calls opens the circuit.
    #[must_use]
    pub const fn slow_call_rate(&self) -> Option<f64> {
        match self.rules.slow_call_rate {
            Some(rate) => Some(rate.get()),
            None => None,
        }
    }

    /// How long the circuit stays open before it admits a trial, the first time.
    #[must_use]
    pub const fn recovery_timeout(&self) -> Duration {
        self.recovery.recovery_timeout
    }

    /// By how much that grows at each re-opening.
    #[must_use]
    pub const fn backoff(&self) -> f64 {
        self.recovery.backoff.get()
    }

    /// Up to how long it grows.
    #[must_use]
    pub const fn max_recovery_timeout(&self) -> Duration {
        self.recovery.max_recovery_timeout
    }

    /// Which part of it is left to chance.
    #[must_use]
    pub const fn jitter(&self) -> f64 {
        self.recovery.jitter.get()
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

    /// How long an async call may take before it is ended.
    #[must_use]
    pub const fn call_timeout(&self) -> Option<Duration> {
        self.limits.call_timeout
    }

    /// How many calls may run at a time.
    #[must_use]
    pub const fn max_concurrent(&self) -> Option<u32> {
        match self.limits.max_concurrent {
            Some(calls) => Some(calls.get()),
            None => None,
        }
    }

    /// How long a call waits for its turn.
    #[must_use]
    pub const fn max_wait(&self) -> Duration {
        self.limits.max_wait
    }

    /// Whether it rejects calls, or only says that it would.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether the service is not ready while this circuit rejects calls and is not yet due for a trial.
    #[must_use]
    pub const fn critical(&self) -> bool {
        self.critical
    }

    /// Whether the durations of its calls are recorded.
    #[must_use]
    pub const fn durations(&self) -> bool {
        self.durations
    }

    pub(crate) const fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) const fn span(&self) -> Span {
        self.span
    }

    pub(crate) const fn recovery(&self) -> &Recovery {
        &self.recovery
    }
}

impl Default for Config {
    fn default() -> Self {
        combine::DEFAULT
    }
}
