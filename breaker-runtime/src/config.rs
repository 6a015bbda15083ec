//! The settings of a circuit breaker, each with its unit, range and default.
//!
//! A [`Config`] is always valid: only the builder creates one. The builder is `const`, so a setting that the
//! attribute receives as a const expression is checked while the user's crate compiles. The attribute checks
//! literals itself.
//!
//! | file | contents |
//! |---|---|
//! | `builder.rs` | accepts plain numbers and remembers the first one that is out of range |
//! | `setting.rs` | the settings by name |
//! | `setting_value.rs` | values of settings from files and other texts |
//! | `duration.rs` | durations as texts |
//! | `merge.rs` | partial settings that take precedence over others |
//! | `consistency.rs` | checks settings that depend on each other |
//! | `defaults.rs` | defaults that depend on other settings |
//! | `limits.rs` | the limits of a single call |
//! | `rule_settings.rs` | the methods of the builder that set the rules |
//! | `limit_settings.rs` | the methods of the builder that set these limits |
//! | `mode.rs` | the mode: reject calls, or only observe them |
//! | `sharing.rs` | which processes share the circuit |
//! | `adopt.rs` | whether a process follows the others |
//! | `share_settings.rs` | the methods of the builder that set both |
//! | `circuit_id.rs` | the name of a breaker and the key of a circuit |
//! | `name.rs` | the name of a breaker |
//! | `setting_source.rs` | where a setting comes from |
//! | `shared_config.rs` | a config that many circuits share, with the sources of its settings |
//! | `effective_config.rs` | the same for users |
//! | `debug.rs` | the `Debug` output of settings |
//! | `error.rs` | the error of an invalid setting |
//! | `conflict.rs` | the error of a name that is declared with different settings |

mod adopt;
mod builder;
mod circuit_id;
mod conflict;
mod consistency;
mod debug;
mod defaults;
mod duration;
mod effective_config;
mod error;
mod limit_settings;
mod limits;
mod merge;
mod mode;
mod name;
mod rule_settings;
mod setting;
mod setting_source;
mod setting_value;
mod share_settings;
mod shared_config;
mod sharing;

use std::time::Duration;

pub use adopt::Adopt;
pub use builder::ConfigBuilder;
pub(crate) use circuit_id::CircuitId;
pub use conflict::Conflict;
pub(crate) use conflict::ConflictCause;
pub use duration::{DurationError, SettingDuration};
pub use effective_config::EffectiveConfig;
pub use error::ConfigError;
pub(crate) use limits::Limits;
pub use mode::Mode;
pub(crate) use name::Name;
pub use setting::Setting;
pub(crate) use setting::SettingSet;
pub use setting_source::SettingSource;
pub use setting_value::{SettingError, SettingValue};
pub(crate) use shared_config::{LayeredSetting, SharedConfig};
pub use sharing::Sharing;

use crate::state::Recovery;
use crate::window::{Rate, Rules, Span};

/// The settings of one circuit breaker.
///
/// A circuit with the default settings opens after 5 failures in a row, admits trial calls after 30 seconds,
/// and closes after 3 successful trial calls.
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
///     Err(_) => panic!("a setting is out of range"),
/// };
/// assert_eq!(STRICT.failure_threshold(), Some(2));
/// ```
///
/// The methods return the effective settings, also those that have their default:
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Adopt, Config, Mode, Sharing};
///
/// let config = Config::default();
/// assert_eq!((config.failure_threshold(), config.consecutive_failures()), (Some(5), Some(5)));
/// assert_eq!((config.window_calls(), config.window_time()), (None, None));
/// assert_eq!((config.failure_rate(), config.minimum_calls()), (None, 10));
/// assert_eq!((config.slow_call(), config.slow_call_rate()), (None, None));
///
/// assert_eq!((config.recovery_timeout(), config.backoff()), (Duration::from_secs(30), 1.0));
/// assert_eq!((config.max_recovery_timeout(), config.jitter()), (Duration::from_secs(300), 0.0));
/// assert_eq!((config.half_open_max_calls(), config.success_threshold()), (3, 3));
/// assert_eq!((config.half_open_timeout(), config.ramp()), (Duration::from_secs(30), None));
///
/// assert_eq!((config.call_timeout(), config.hang()), (None, None));
/// assert_eq!((config.max_concurrent(), config.max_wait()), (None, Duration::ZERO));
/// assert_eq!((config.cancelled_after(), config.max_open()), (Duration::from_secs(1), 1.0));
/// assert_eq!((config.shared(), config.adopt()), (Sharing::Local, Adopt::UnlessHealthy));
/// assert_eq!((config.mode(), config.critical(), config.durations()), (Mode::Enforce, false, false));
/// ```
#[derive(Clone)]
pub struct Config {
    rules: Rules,
    span: Span,
    slow_call: Option<Duration>,
    durations: bool,
    recovery: Recovery,
    limits: Limits,
    /// `None` for the default, 1.
    max_open: Option<Rate>,
    shared: Sharing,
    adopt: Adopt,
    mode: Mode,
    critical: bool,
    /// The settings that were set. All fields above follow from it.
    given: ConfigBuilder,
}

impl Config {
    /// Returns a builder with the default settings.
    ///
    /// ```
    /// use breaker_runtime::Config;
    ///
    /// let config = Config::builder().failure_threshold(9).build()?;
    /// assert_eq!(config.failure_threshold(), Some(9));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub const fn builder() -> ConfigBuilder {
        ConfigBuilder::new()
    }

    /// Returns a builder with the settings that were set, so that some of them can be replaced.
    ///
    /// A setting that depends on others stays dependent unless it was set itself: a longer `recovery_timeout` also
    /// makes the lease of trial calls longer, and a smaller window lowers `minimum_calls`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::Config;
    ///
    /// let config = Config::builder().recovery_timeout(Duration::from_secs(2)).build()?;
    /// assert_eq!(config.half_open_timeout(), Duration::from_secs(2));
    ///
    /// let slower = config.to_builder().recovery_timeout(Duration::from_secs(3)).build()?;
    /// assert_eq!(slower.half_open_timeout(), Duration::from_secs(3));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub const fn to_builder(&self) -> ConfigBuilder {
        self.given.copied()
    }

    /// Returns the number of failures that open the circuit, or `None` if only other rules are set.
    ///
    /// Without a window, only failures in a row count.
    #[must_use]
    pub const fn failure_threshold(&self) -> Option<u32> {
        match (self.rules.failures, self.rules.consecutive) {
            (Some(failures), _) => Some(failures.get()),
            (None, Some(run)) if matches!(self.span, Span::Unlimited) => Some(run.get()),
            (None, _) => None,
        }
    }

    /// Returns the number of failures in a row that open the circuit, or `None` if there is no such rule.
    #[must_use]
    pub const fn consecutive_failures(&self) -> Option<u32> {
        match self.rules.consecutive {
            Some(run) => Some(run.get()),
            None => None,
        }
    }

    /// Returns the share of failures in the window that opens the circuit, or `None` without such a rule.
    #[must_use]
    pub const fn failure_rate(&self) -> Option<f64> {
        match self.rules.failure_rate {
            Some(rate) => Some(rate.get()),
            None => None,
        }
    }

    /// Returns the size of the window in calls, or `None` if there is no count-based window.
    #[must_use]
    pub const fn window_calls(&self) -> Option<u32> {
        match self.span {
            Span::Calls(calls) => Some(calls.get()),
            Span::Unlimited | Span::Time(_) => None,
        }
    }

    /// Returns the length of the window, or `None` if there is no time-based window.
    ///
    /// ```
    /// use std::time::Duration;
    /// use breaker_runtime::Config;
    ///
    /// let config = Config::builder().window_time(Duration::from_secs(60)).build()?;
    /// assert_eq!((config.window_time(), config.window_calls()), (Some(Duration::from_secs(60)), None));
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[must_use]
    pub const fn window_time(&self) -> Option<Duration> {
        match self.span {
            Span::Time(time) => Some(time),
            Span::Unlimited | Span::Calls(_) => None,
        }
    }

    /// Returns the number of calls that the window must hold before a rate can open the circuit.
    #[must_use]
    pub const fn minimum_calls(&self) -> u32 {
        self.rules.minimum_calls.get()
    }

    /// Returns the minimum duration of a slow call, or `None` if no call counts as slow.
    #[must_use]
    pub const fn slow_call(&self) -> Option<Duration> {
        self.slow_call
    }

    /// Returns the share of slow calls in the window that opens the circuit, or `None` without such a rule.
    #[must_use]
    pub const fn slow_call_rate(&self) -> Option<f64> {
        match self.rules.slow_call_rate {
            Some(rate) => Some(rate.get()),
            None => None,
        }
    }

    /// Returns the time that the circuit stays open before it admits a trial call.
    ///
    /// Each time a trial call reopens the circuit, [`backoff`](Self::backoff) multiplies it.
    #[must_use]
    pub const fn recovery_timeout(&self) -> Duration {
        self.recovery.recovery_timeout
    }

    /// Returns the factor by which the recovery timeout grows each time a trial call reopens the circuit.
    #[must_use]
    pub const fn backoff(&self) -> f64 {
        self.recovery.backoff.get()
    }

    /// Returns the maximum to which the recovery timeout grows.
    #[must_use]
    pub const fn max_recovery_timeout(&self) -> Duration {
        self.recovery.max_recovery_timeout
    }

    /// Returns the share of the recovery timeout that is random.
    #[must_use]
    pub const fn jitter(&self) -> f64 {
        self.recovery.jitter.get()
    }

    /// Returns the maximum number of trial calls that run at the same time.
    #[must_use]
    pub const fn half_open_max_calls(&self) -> u32 {
        self.recovery.half_open_max_calls.get()
    }

    /// Returns the number of successful trial calls that close the circuit.
    #[must_use]
    pub const fn success_threshold(&self) -> u32 {
        self.recovery.success_threshold.get()
    }

    /// Returns the lease of a trial call: the time after which it counts as failed if it has not ended.
    #[must_use]
    pub const fn half_open_timeout(&self) -> Duration {
        self.recovery.half_open_timeout
    }

    /// Returns the time over which the circuit closes gradually, or `None` if it closes at once.
    #[must_use]
    pub const fn ramp(&self) -> Option<Duration> {
        self.recovery.ramp
    }

    /// Returns how long a running call opens the circuit, or `None` if only ended calls do.
    #[must_use]
    pub const fn hang(&self) -> Option<Duration> {
        self.limits.hang
    }

    /// Returns the time after which an async call is stopped, or `None` if there is no limit.
    #[must_use]
    pub const fn call_timeout(&self) -> Option<Duration> {
        self.limits.call_timeout
    }

    /// Returns the maximum number of calls that run at the same time, or `None` if there is no limit.
    #[must_use]
    pub const fn max_concurrent(&self) -> Option<u32> {
        match self.limits.max_concurrent {
            Some(calls) => Some(calls.get()),
            None => None,
        }
    }

    /// Returns the maximum time that a call waits while `max_concurrent` calls are running.
    #[must_use]
    pub const fn max_wait(&self) -> Duration {
        self.limits.max_wait
    }

    /// Returns how long a call must have run for its cancellation to count as a failure.
    #[must_use]
    pub const fn cancelled_after(&self) -> Duration {
        self.limits.cancelled_after
    }

    /// Returns the share of the circuits of a keyed breaker that may reject calls at the same time.
    #[must_use]
    pub const fn max_open(&self) -> f64 {
        match self.max_open {
            Some(share) => share.get(),
            None => 1.0,
        }
    }

    /// Returns whether the processes of an application share the circuit, and when it opens in all of them.
    #[must_use]
    pub const fn shared(&self) -> Sharing {
        self.shared
    }

    /// Returns whether a process opens a shared circuit that other processes have opened.
    #[must_use]
    pub const fn adopt(&self) -> Adopt {
        self.adopt
    }

    /// Returns the mode: whether the breaker rejects calls or only observes them.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns `true` if the circuit is marked as [critical](ConfigBuilder::critical).
    #[must_use]
    pub const fn critical(&self) -> bool {
        self.critical
    }

    /// Returns `true` if the durations of calls are recorded.
    #[must_use]
    pub const fn durations(&self) -> bool {
        self.durations
    }

    /// Returns `true` if the number of circuits that reject calls is limited.
    pub(crate) const fn has_max_open(&self) -> bool {
        self.max_open.is_some()
    }

    /// Returns an error if a setting needs keys.
    pub(crate) const fn check_without_keys(&self) -> Result<(), ConfigError> {
        if self.has_max_open() {
            return Err(ConfigError::of_setting(
                Setting::MaxOpen,
                "max_open needs keys: it is the share of them that may reject calls; use register_keyed, or remove it",
            ));
        }
        Ok(())
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

/// Two configs are equal if all effective settings are: a setting that was set to its default equals one that was not
/// set.
impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        // Without `..`, so that compilation fails if a field is missing here.
        let Self {
            rules,
            span,
            slow_call,
            durations,
            recovery,
            limits,
            max_open,
            shared,
            adopt,
            mode,
            critical,
            given: _,
        } = self;
        (rules, span, slow_call, durations, recovery, limits)
            == (&other.rules, &other.span, &other.slow_call, &other.durations, &other.recovery, &other.limits)
            && (max_open, shared, adopt, mode, critical)
                == (&other.max_open, &other.shared, &other.adopt, &other.mode, &other.critical)
    }
}

impl Eq for Config {}

impl Default for Config {
    fn default() -> Self {
        defaults::DEFAULT
    }
}
