//! Names and values of settings that come from text: from a file, a variable of the environment, or a command.
//!
//! They are set by the methods of the builder, so their ranges and messages are the same everywhere.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::duration::SettingDuration;
use super::{ConfigBuilder, ConfigError, Setting};
use crate::printable::{Quoted, QuotedStart};

/// A value of a setting as it is written in a configuration file.
///
/// Counts are integers, shares and factors are numbers, times are texts such as `30s`, flags are booleans, and the
/// other settings are names. `window` is an integer or a text. Every setting also accepts the text `default`, which
/// returns it to its default.
///
/// ```
/// use breaker_runtime::{Config, Setting};
///
/// let config = Config::builder()
///     .set(Setting::FailureThreshold, 3)?
///     .set(Setting::RecoveryTimeout, "5s")?
///     .build()?;
/// assert_eq!(config.failure_threshold(), Some(3));
///
/// let error = Config::builder().set(Setting::FailureThreshold, "3").unwrap_err();
/// assert_eq!(error.to_string(), r#"failure_threshold = "3": expected an integer"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SettingValue<'a> {
    /// An integer.
    Integer(i128),
    /// A number with a fraction.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A text.
    Text(Cow<'a, str>),
}

/// The error of a value that a setting does not accept. The message names the setting, the value, and what is accepted.
///
/// ```
/// use breaker_runtime::{Config, Setting};
///
/// let error = Config::builder().set_text(Setting::Jitter, "2").unwrap_err();
/// assert_eq!(error.to_string(), "jitter = 2: jitter must be between 0.0 and 1.0");
/// assert_eq!(error.setting(), Setting::Jitter);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    setting: Setting,
    value: String,
    problem: Cow<'static, str>,
}

/// The text that returns a setting to its default.
const DEFAULT: &str = "default";

impl ConfigBuilder {
    /// Sets one setting to a value from a configuration file.
    ///
    /// # Errors
    ///
    /// Returns an error if the value has the wrong type or is out of range. Settings that contradict each other are an
    /// error of [`build`](Self::build) only.
    pub fn set<'v>(self, setting: Setting, value: impl Into<SettingValue<'v>>) -> Result<Self, SettingError> {
        let value = value.into();
        let error = |problem| SettingError { setting, value: value.shown(), problem };
        if value == SettingValue::Text(Cow::Borrowed(DEFAULT)) {
            return Ok(self.unset(setting));
        }
        let earlier = self.error.is_some();
        let builder = self.with_value(setting, &value).map_err(error)?;
        match &builder.error {
            Some(found) if !earlier => Err(error(Cow::Borrowed(found.message()))),
            Some(_) | None => Ok(builder),
        }
    }

    /// Sets one setting to a value that is written as a text without quotes, as in a variable of the environment or on
    /// a command line.
    ///
    /// # Errors
    ///
    /// Returns an error in the same cases as [`set`](Self::set).
    ///
    /// ```
    /// use breaker_runtime::{Config, Setting};
    ///
    /// let config = Config::builder()
    ///     .set_text(Setting::Window, "100")?
    ///     .set_text(Setting::FailureRate, "0.5")?
    ///     .set_text(Setting::RecoveryTimeout, "5s")?
    ///     .build()?;
    /// assert_eq!((config.window_calls(), config.failure_rate()), (Some(100), Some(0.5)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_text(self, setting: Setting, text: &str) -> Result<Self, SettingError> {
        self.set(setting, SettingValue::parse(text))
    }

    fn with_value(self, setting: Setting, value: &SettingValue<'_>) -> Result<Self, Cow<'static, str>> {
        Ok(match setting {
            Setting::FailureThreshold => self.failure_threshold(value.count()?),
            Setting::ConsecutiveFailures => self.consecutive_failures(value.count()?),
            Setting::FailureRate => self.failure_rate(value.number()?),
            Setting::Window => self.with_window(value)?,
            Setting::MinimumCalls => self.minimum_calls(value.count()?),
            Setting::SlowCall => self.slow_call(value.time()?),
            Setting::SlowCallRate => self.slow_call_rate(value.number()?),
            Setting::RecoveryTimeout => self.recovery_timeout(value.time()?),
            Setting::Backoff => self.backoff(value.number()?),
            Setting::MaxRecoveryTimeout => self.max_recovery_timeout(value.time()?),
            Setting::Jitter => self.jitter(value.number()?),
            Setting::HalfOpenMaxCalls => self.half_open_max_calls(value.count()?),
            Setting::SuccessThreshold => self.success_threshold(value.count()?),
            Setting::HalfOpenTimeout => self.half_open_timeout(value.time()?),
            Setting::Ramp => self.ramp(value.time()?),
            Setting::CallTimeout => self.call_timeout(value.time()?),
            Setting::MaxConcurrent => self.max_concurrent(value.count()?),
            Setting::MaxWait => self.max_wait(value.time()?),
            Setting::CancelledAfter => self.cancelled_after(value.time()?),
            Setting::Hang => self.hang(value.time()?),
            Setting::MaxOpen => self.max_open(value.number()?),
            Setting::Shared => self.shared(value.label()?),
            Setting::Adopt => self.adopt(value.label()?),
            Setting::Mode => self.mode(value.label()?),
            Setting::Critical => self.critical(value.flag()?),
            Setting::Durations => self.durations(value.flag()?),
        })
    }

    /// Sets the window to a number of calls or to a time. It replaces another window.
    fn with_window(self, value: &SettingValue<'_>) -> Result<Self, Cow<'static, str>> {
        let without = self.without_window();
        match value {
            SettingValue::Integer(_) => Ok(without.window_calls(value.count()?)),
            SettingValue::Text(_) => Ok(without.window_time(value.time()?)),
            SettingValue::Float(_) | SettingValue::Bool(_) => {
                Err(Cow::Borrowed("expected an integer, the number of calls, or a text such as \"60s\""))
            }
        }
    }
}

impl<'a> SettingValue<'a> {
    /// Returns the value that `text` is when it is written without quotes: an integer, a number, `true` or `false`, or
    /// otherwise a text.
    ///
    /// ```
    /// use breaker_runtime::SettingValue;
    ///
    /// assert_eq!(SettingValue::parse("5"), SettingValue::Integer(5));
    /// assert_eq!(SettingValue::parse("5s"), "5s".into());
    /// ```
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let text = text.trim();
        if let Ok(integer) = text.parse() {
            return Self::Integer(integer);
        }
        if let Ok(flag) = text.parse() {
            return Self::Bool(flag);
        }
        match text.parse::<f64>() {
            // `inf` and `nan` are texts: no setting accepts them.
            Ok(number) if number.is_finite() => Self::Float(number),
            Ok(_) | Err(_) => Self::Text(Cow::Borrowed(text)),
        }
    }

    /// Returns the value as it is written without quotes.
    #[allow(dead_code, reason = "only drills of files and of `serde` are read from such texts")]
    pub(crate) fn unquoted(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Integer(_) | Self::Float(_) | Self::Bool(_) => Cow::Owned(self.to_string()),
        }
    }

    /// Returns the value as in a TOML file, except that a long text is cut.
    fn shown(&self) -> String {
        match self {
            Self::Text(text) => QuotedStart(text).to_string(),
            Self::Integer(_) | Self::Float(_) | Self::Bool(_) => self.to_string(),
        }
    }

    /// Returns a count. One that is out of the range of a `u32` is out of the range of each setting too.
    fn count(&self) -> Result<u32, Cow<'static, str>> {
        match self {
            Self::Integer(number) if *number < 0 => Ok(0),
            Self::Integer(number) => u32::try_from(*number)
                .map_err(|_| Cow::Borrowed("expected an integer that is at most 4294967295")),
            Self::Float(_) | Self::Bool(_) | Self::Text(_) => Err(Cow::Borrowed("expected an integer")),
        }
    }

    fn number(&self) -> Result<f64, Cow<'static, str>> {
        match self {
            Self::Float(number) => Ok(*number),
            #[expect(clippy::cast_precision_loss, reason = "no setting accepts so large a number")]
            Self::Integer(number) => Ok(*number as f64),
            Self::Bool(_) | Self::Text(_) => Err(Cow::Borrowed("expected a number such as 0.5")),
        }
    }

    fn time(&self) -> Result<Duration, Cow<'static, str>> {
        match self {
            Self::Text(text) => match text.parse::<SettingDuration>() {
                Ok(duration) => Ok(duration.0),
                Err(error) => Err(Cow::Owned(error.to_string())),
            },
            Self::Integer(_) | Self::Float(_) | Self::Bool(_) => {
                Err(Cow::Borrowed("expected a time with a unit, such as \"500ms\", \"30s\" or \"1h30m\""))
            }
        }
    }

    fn flag(&self) -> Result<bool, Cow<'static, str>> {
        match self {
            Self::Bool(flag) => Ok(*flag),
            Self::Integer(_) | Self::Float(_) | Self::Text(_) => Err(Cow::Borrowed("expected true or false")),
        }
    }

    fn label<T: FromStr<Err = ConfigError>>(&self) -> Result<T, Cow<'static, str>> {
        let text = match self {
            Self::Text(text) => text,
            // No label is empty, so the error lists the labels.
            Self::Integer(_) | Self::Float(_) | Self::Bool(_) => "",
        };
        text.parse().map_err(|error: ConfigError| Cow::Borrowed(error.message()))
    }
}

impl FromStr for Setting {
    type Err = ConfigError;

    /// Parses the name of a setting, in lowercase.
    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let setting = Self::ALL.iter().copied().find(|setting| setting.label() == text);
        setting.ok_or(ConfigError::new("there is no setting of this name; `Setting::ALL` lists all settings"))
    }
}

impl<'a> From<&'a str> for SettingValue<'a> {
    /// Returns a text, also if it looks like a number.
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for SettingValue<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<f64> for SettingValue<'_> {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<bool> for SettingValue<'_> {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<u32> for SettingValue<'_> {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

/// Writes the value as in a TOML file: texts have quotes.
impl fmt::Display for SettingValue<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => number.fmt(out),
            Self::Float(number) => write!(out, "{number:?}"),
            Self::Bool(flag) => flag.fmt(out),
            Self::Text(text) => Quoted(text).fmt(out),
        }
    }
}

impl SettingError {
    /// Returns the setting.
    #[must_use]
    pub const fn setting(&self) -> Setting {
        self.setting
    }

    /// Returns what is wrong with the value, and what is accepted.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, value, problem } = self;
        write!(out, "{setting} = {value}: {problem}")
    }
}

impl Error for SettingError {}
