//! The mode of a circuit breaker. It decides about rejections only, never about counting or states.

use std::fmt;
use std::str::FromStr;

use super::{ConfigError, Setting};

/// The effect of a circuit breaker on calls.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, Mode, Outcome, State};
///
/// let config = Config::builder().failure_threshold(1).mode(Mode::Shadow).build()?;
/// let breaker = CircuitBreaker::new("search", config)?;
/// breaker.try_acquire()?.settle(Outcome::Failure);
/// assert_eq!(breaker.state(), State::Open);
/// breaker.try_acquire()?.settle(Outcome::Success); // admitted although the circuit is open
/// assert_eq!(breaker.snapshot().shadow_rejections, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// Rejects calls that the circuit does not admit.
    #[default]
    Enforce,
    /// Admits every call, but counts it, changes the state and notifies listeners as usual.
    ///
    /// A circuit that an operator forces open admits calls too, and `call_timeout` stops no call. Use this
    /// mode to try out settings in production.
    Shadow,
}

impl Mode {
    /// Returns the name of the mode in settings and JSON, which `Display` writes and `FromStr` reads.
    ///
    /// ```
    /// use breaker_runtime::Mode;
    ///
    /// assert_eq!(Mode::Shadow.label(), "shadow");
    /// assert_eq!("shadow".parse(), Ok(Mode::Shadow));
    /// ```
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Shadow => "shadow",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.label())
    }
}

impl FromStr for Mode {
    type Err = ConfigError;

    /// Parses the name of a mode, in lowercase.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let mode = [Self::Enforce, Self::Shadow].into_iter().find(|mode| mode.label() == text);
        mode.ok_or(ConfigError::of_setting(Setting::Mode, "mode must be `enforce` or `shadow`"))
    }
}
