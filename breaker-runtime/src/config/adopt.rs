//! The setting `adopt`: whether a process follows a shared circuit that others have opened. It decides nothing itself.

use std::fmt;
use std::str::FromStr;

use super::{ConfigError, Setting};

/// The condition under which a process opens a shared circuit that other processes have opened.
///
/// ```
/// use breaker_runtime::{Adopt, Config};
///
/// assert_eq!(Config::default().adopt(), Adopt::UnlessHealthy);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Adopt {
    /// The process opens its circuit, unless its own calls show that the dependency is healthy. Then it stays closed
    /// and reports that. If as many processes report it as are needed to open the circuit, the circuit closes for all
    /// when its trial calls are due.
    #[default]
    UnlessHealthy,
    /// The process always opens its circuit with the others.
    Always,
}

impl Adopt {
    /// Returns the name in settings and JSON, which `Display` writes and `FromStr` reads.
    ///
    /// ```
    /// use breaker_runtime::Adopt;
    ///
    /// assert_eq!(Adopt::UnlessHealthy.label(), "unless_healthy");
    /// assert_eq!("always".parse(), Ok(Adopt::Always));
    /// ```
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::UnlessHealthy => "unless_healthy",
            Self::Always => "always",
        }
    }
}

impl fmt::Display for Adopt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.label())
    }
}

impl FromStr for Adopt {
    type Err = ConfigError;

    /// Parses the name, in lowercase.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let adopt = [Self::UnlessHealthy, Self::Always].into_iter().find(|adopt| adopt.label() == text);
        adopt.ok_or(ConfigError::of_setting(Setting::Adopt, "adopt must be `unless_healthy` or `always`"))
    }
}
