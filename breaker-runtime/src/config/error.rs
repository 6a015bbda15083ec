//! The error of an invalid setting. Its message is a constant, so that a compile error can show it as well.

use std::error::Error;
use std::fmt;

use super::Setting;

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
    setting: Option<Setting>,
}

impl ConfigError {
    /// Returns an error that is not about a setting of [`Config`](super::Config).
    pub(crate) const fn new(message: &'static str) -> Self {
        Self { message, setting: None }
    }

    /// Returns an error of one setting.
    pub(crate) const fn of_setting(setting: Setting, message: &'static str) -> Self {
        Self { message, setting: Some(setting) }
    }

    /// Returns the setting that is out of range, or that contradicts another one. `None` if the error is about
    /// something else, such as a name.
    ///
    /// ```
    /// use breaker_runtime::{Config, Setting};
    ///
    /// let error = Config::builder().failure_rate(0.5).build().unwrap_err(); // without a window
    /// assert_eq!(error.setting(), Some(Setting::FailureRate));
    /// ```
    #[must_use]
    pub const fn setting(&self) -> Option<Setting> {
        self.setting
    }

    pub(crate) const fn message(&self) -> &'static str {
        self.message
    }

    /// Returns a copy, like `clone`, but also while the user's crate compiles.
    pub(super) const fn copied(&self) -> Self {
        Self { message: self.message, setting: self.setting }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.message)
    }
}

impl Error for ConfigError {}
