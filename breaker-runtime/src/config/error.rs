//! The error of an invalid setting. Its message is a constant, so that a compile error can show it as well.

use std::error::Error;
use std::fmt;

/// The error of an invalid setting. Its message names the setting and the values that it accepts.
///
/// ```
/// use breaker_runtime::Config;
///
/// let error = Config::builder().failure_threshold(0).build().unwrap_err();
/// assert_eq!(error.to_string(), "failure_threshold must be between 1 and 16777215");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    message: &'static str,
}

impl ConfigError {
    pub(crate) const fn new(message: &'static str) -> Self {
        Self { message }
    }

    pub(crate) const fn message(&self) -> &'static str {
        self.message
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.message)
    }
}

impl Error for ConfigError {}
