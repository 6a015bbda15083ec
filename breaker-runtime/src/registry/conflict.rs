//! Two declarations of one name that do not agree.

use std::error::Error;
use std::fmt;
use std::panic::Location;

use crate::config::ConfigError;

/// One name was declared in two ways. The first declaration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    name: String,
    first: &'static Location<'static>,
    second: &'static Location<'static>,
}

/// All conflicts of a registry, from [`Registry::check`](crate::Registry::check).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflicts(Vec<Conflict>);

/// Why a breaker was not registered.
///
/// ```
/// use breaker_runtime::{Config, RegisterError, Registry};
///
/// let error = Registry::new().register("", Config::default()).unwrap_err();
/// assert!(matches!(error, RegisterError::Name(_)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The name is empty or too long.
    Name(ConfigError),
    /// The name was registered with other settings.
    Conflict(Conflict),
}

impl Conflict {
    pub(crate) fn new(
        name: &str,
        first: &'static Location<'static>,
        second: &'static Location<'static>,
    ) -> Self {
        Self { name: name.to_owned(), first, second }
    }

    /// The name that was declared twice.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the declaration stands that is in force.
    #[must_use]
    pub const fn first(&self) -> &'static Location<'static> {
        self.first
    }

    /// Where the other one stands.
    #[must_use]
    pub const fn second(&self) -> &'static Location<'static> {
        self.second
    }
}

impl Conflicts {
    pub(super) fn if_any(conflicts: Vec<Conflict>) -> Result<(), Self> {
        if conflicts.is_empty() { Ok(()) } else { Err(Self(conflicts)) }
    }

    /// The conflicts, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Conflict> {
        self.0.iter()
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, first, second } = self;
        write!(
            out,
            "circuit breaker {name:?} is declared at {first} and again at {second}; \
             give both the same settings, or one of them another name"
        )
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
            Self::Name(error) => error.fmt(out),
            Self::Conflict(conflict) => conflict.fmt(out),
        }
    }
}

impl Error for Conflict {}
impl Error for Conflicts {}
impl Error for RegisterError {}

impl From<ConfigError> for RegisterError {
    fn from(error: ConfigError) -> Self {
        Self::Name(error)
    }
}
