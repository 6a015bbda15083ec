//! Errors of a registry: one registration that fails, and all conflicts.

use std::error::Error;
use std::fmt;

use crate::config::{ConfigError, Conflict};

/// All conflicts of a registry, from [`Registry::check`](crate::Registry::check). There is at least one.
///
/// ```
/// use breaker_runtime::{Config, Registry};
///
/// let registry = Registry::new();
/// registry.register("payment", Config::default())?;
/// let lenient = Config::builder().failure_threshold(50).build()?;
/// assert!(registry.register("payment", lenient).is_err());
///
/// let conflicts = registry.check().unwrap_err();
/// let names: Vec<_> = conflicts.iter().map(|conflict| conflict.name()).collect();
/// assert_eq!(names, ["payment"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflicts(Vec<Conflict>);

/// The reason why a breaker was not registered.
///
/// ```
/// use breaker_runtime::{Config, RegisterError, Registry};
///
/// let error = Registry::new().register("", Config::default()).unwrap_err();
/// assert!(matches!(error, RegisterError::Invalid(_)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The name is empty or longer than 255 bytes, or `max_keys` is out of its range.
    Invalid(ConfigError),
    /// The name is registered with other settings, with another `max_keys`, or as the other kind of
    /// breaker (with or without keys).
    Conflict(Conflict),
}

impl Conflicts {
    /// Returns an error if there are conflicts.
    pub(super) fn if_any(conflicts: Vec<Conflict>) -> Result<(), Self> {
        if conflicts.is_empty() { Ok(()) } else { Err(Self(conflicts)) }
    }

    /// Returns the conflicts in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Conflict> {
        self.0.iter()
    }
}

impl fmt::Display for Conflicts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, conflict) in self.0.iter().enumerate() {
            let separator = if nth == 0 { "" } else { "\n" };
            write!(out, "{separator}{conflict}")?;
        }
        Ok(())
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(out),
            Self::Conflict(conflict) => conflict.fmt(out),
        }
    }
}

impl Error for Conflicts {}
impl Error for RegisterError {}

impl From<ConfigError> for RegisterError {
    fn from(error: ConfigError) -> Self {
        Self::Invalid(error)
    }
}
