//! The source of the value of a setting.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::printable::Printable;

/// The source of the value of a setting. [`EffectiveConfig::source`](crate::EffectiveConfig::source) returns it.
///
/// ```
/// use breaker_runtime::{BreakerError, Registry, Setting, SettingSource, circuit_breaker};
///
/// #[circuit_breaker(name = "tickets", failure_threshold = 7)]
/// fn ticket(number: u32) -> Result<u32, BreakerError> {
///     Ok(number) // the real call
/// }
///
/// let settings = Registry::global().get("tickets").unwrap().snapshot().settings;
/// assert!(matches!(settings.source(Setting::FailureThreshold), SettingSource::Attribute(_)));
/// assert_eq!(settings.source(Setting::RecoveryTimeout), SettingSource::Default);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingSource {
    /// The setting has its default, or a value that depends on other settings.
    Default,
    /// The attribute [`circuit_breaker`](crate::circuit_breaker) at this location.
    Attribute(&'static Location<'static>),
    /// A call at this location, for example of [`Registry::register`](crate::Registry::register),
    /// [`Registry::configure`](crate::Registry::configure) or
    /// [`CircuitBreaker::set_config`](crate::CircuitBreaker::set_config).
    Program(&'static Location<'static>),
    /// A configuration file.
    File {
        /// The path of the file, as it was given.
        path: Arc<str>,
        /// The line of the value, from 1.
        line: u32,
    },
    /// A variable of the environment.
    Environment {
        /// The name of the variable.
        variable: Arc<str>,
    },
    /// An operator.
    Operator {
        /// The name of the operator.
        name: Arc<str>,
    },
}

impl SettingSource {
    /// Returns the kind of source as a label for JSON: `default`, `attribute`, `program`, `file`, `environment` or
    /// `operator`.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Attribute(_) => "attribute",
            Self::Program(_) => "program",
            Self::File { .. } => "file",
            Self::Environment { .. } => "environment",
            Self::Operator { .. } => "operator",
        }
    }
}

/// Displays where the source is: `breakers.toml:7`, or `src/payment.rs:12:1`.
impl fmt::Display for SettingSource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.pad("default"),
            Self::Attribute(location) | Self::Program(location) => location.fmt(out),
            Self::File { path, line } => write!(out, "{}:{line}", Printable(path)),
            Self::Environment { variable } => Printable(variable).fmt(out),
            Self::Operator { name } => write!(out, "operator {}", Printable(name)),
        }
    }
}
