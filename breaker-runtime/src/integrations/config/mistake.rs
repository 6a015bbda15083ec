//! Mistakes in a configuration, and the error of a configuration that was refused.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::printable::{Excerpt, Printable};
use crate::registry::ConfigureError;

/// A mistake in a configuration. It displays where it is, what is written there, and what is accepted.
///
/// ```
/// use breaker_runtime::integrations::config::{ConfigDocument, ConfigFormat, ConfigLoadError};
///
/// let text = b"[breakers.payment]\nfailure_threshold = 0\n";
/// let error = ConfigDocument::parse("breakers.toml", ConfigFormat::Toml, text).unwrap_err();
/// let ConfigLoadError::Mistakes(mistakes) = &error else { panic!("{error}") };
/// assert_eq!((mistakes[0].origin(), mistakes[0].line()), ("breakers.toml", Some(2)));
/// assert_eq!(
///     mistakes[0].to_string(),
///     "breakers.toml:2: breakers.payment.failure_threshold = 0: \
///      failure_threshold must be between 1 and 16777215"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigMistake {
    origin: Arc<str>,
    position: Option<Position>,
    message: String,
}

/// A position in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// The line, from 1.
    pub(super) line: u32,
    /// The character in the line, from 1, if it is of interest.
    pub(super) column: Option<u32>,
}

/// The reason why a configuration was refused. It has changed nothing.
///
/// It displays one line for each of the first 20 mistakes or errors, and then how many follow. The text has at most
/// 8 KiB.
///
/// ```
/// use breaker_runtime::integrations::config::{ConfigFormat, ConfigLoadError, ConfigReader};
/// use breaker_runtime::{Config, Registry};
///
/// let registry = Registry::new();
/// let payment = registry.register("payment", Config::default())?;
/// let mut load = |text: &[u8]| {
///     ConfigReader::new(&registry).load_text("b.toml", ConfigFormat::Toml, text).unwrap_err()
/// };
/// let mistakes = load(b"[breakers.payment]\njitter = 2\nbackof = 2\n");
/// assert!(matches!(mistakes, ConfigLoadError::Mistakes(_)));
/// assert_eq!(mistakes.to_string().lines().count(), 2);
/// // Each value is accepted by itself.
/// let contradiction = load(b"breakers.payment.max_wait = '1s'");
/// assert!(matches!(contradiction, ConfigLoadError::Refused(_)));
/// assert_eq!(payment.config(), Config::default());
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigLoadError {
    /// Files that cannot be read, errors of syntax, unknown names, and values that are not accepted: all mistakes of
    /// all files and of the environment.
    Mistakes(Vec<ConfigMistake>),
    /// Settings that contradict each other in a breaker.
    Refused(ConfigureError),
}

impl ConfigMistake {
    pub(super) const fn new(origin: Arc<str>, position: Option<Position>, message: String) -> Self {
        Self { origin, position, message }
    }

    /// Returns the path of the file, or the name of the variable.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::integrations::config::{ConfigLoadError, ConfigReader};
    ///
    /// let variables = [("BREAKER__PAYMENT__JITTER", "2")];
    /// let error = ConfigReader::new(&Registry::new()).variables(variables).load().unwrap_err();
    /// let ConfigLoadError::Mistakes(mistakes) = error else { panic!("{error}") };
    /// assert_eq!((mistakes[0].origin(), mistakes[0].line()), ("BREAKER__PAYMENT__JITTER", None));
    /// ```
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the line in the file, from 1. `None` for a file that cannot be read, and for variables.
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigDocument, ConfigFormat, ConfigLoadError};
    ///
    /// let text = b"[breakers.payment]\nmode = 5";
    /// let error = ConfigDocument::parse("breakers.toml", ConfigFormat::Toml, text).unwrap_err();
    /// let ConfigLoadError::Mistakes(mistakes) = error else { panic!("{error}") };
    /// assert_eq!(mistakes[0].line(), Some(2));
    /// ```
    #[must_use]
    pub const fn line(&self) -> Option<u32> {
        match self.position {
            Some(position) => Some(position.line),
            None => None,
        }
    }

    /// Returns the character in the line, from 1, for an error of syntax.
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigDocument, ConfigFormat, ConfigLoadError};
    ///
    /// let text = b"[breakers.payment]\nmode = = 5";
    /// let error = ConfigDocument::parse("breakers.toml", ConfigFormat::Toml, text).unwrap_err();
    /// let ConfigLoadError::Mistakes(mistakes) = error else { panic!("{error}") };
    /// assert_eq!((mistakes[0].line(), mistakes[0].column()), (Some(2), Some(8)));
    /// ```
    #[must_use]
    pub const fn column(&self) -> Option<u32> {
        match self.position {
            Some(position) => position.column,
            None => None,
        }
    }

    /// Returns the setting with its value, if it is about one, and what is accepted.
    ///
    /// ```
    /// use breaker_runtime::integrations::config::{ConfigDocument, ConfigFormat, ConfigLoadError};
    ///
    /// let text = b"breakers.payment.jitter = 2";
    /// let error = ConfigDocument::parse("breakers.toml", ConfigFormat::Toml, text).unwrap_err();
    /// let ConfigLoadError::Mistakes(mistakes) = error else { panic!("{error}") };
    /// assert_eq!(
    ///     mistakes[0].message(),
    ///     "breakers.payment.jitter = 2: jitter must be between 0.0 and 1.0"
    /// );
    /// ```
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ConfigMistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", Printable(&self.origin))?;
        if let Some(line) = self.line() {
            write!(out, ":{line}")?;
        }
        if let Some(column) = self.column() {
            write!(out, ":{column}")?;
        }
        write!(out, ": {}", Printable(&self.message))
    }
}

impl Error for ConfigMistake {}

impl fmt::Display for ConfigLoadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mistakes(mistakes) => Excerpt(mistakes).fmt(out),
            Self::Refused(error) => error.fmt(out),
        }
    }
}

/// Its text contains that of the [`ConfigureError`], so it has no source.
impl Error for ConfigLoadError {}

impl From<ConfigureError> for ConfigLoadError {
    fn from(error: ConfigureError) -> Self {
        Self::Refused(error)
    }
}
