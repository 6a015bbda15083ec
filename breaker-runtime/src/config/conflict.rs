//! The error of a name that two declarations have which do not agree.

use std::error::Error;
use std::fmt;
use std::num::NonZeroU32;
use std::panic::Location;

use crate::printable::Quoted;

/// Two declarations of one name do not agree, and the first one stays in effect; or two functions have the
/// same name by accident, and the second one [was renamed](Self::renamed).
///
/// ```
/// use breaker_runtime::{Config, RegisterError, Registry};
///
/// let registry = Registry::new();
/// registry.register("search", Config::default())?;
///
/// let lenient = Config::builder().failure_threshold(50).build()?;
/// let Err(RegisterError::Conflict(conflict)) = registry.register("search", lenient) else {
///     panic!("the declarations agree")
/// };
/// assert_eq!(conflict.name(), "search");
/// assert!(conflict.first().line() < conflict.second().line());
/// assert_eq!(conflict.renamed(), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Conflict {
    name: String,
    first: &'static Location<'static>,
    second: &'static Location<'static>,
    cause: ConflictCause,
}

/// The difference between two declarations of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConflictCause {
    Settings,
    /// One breaker has keys, and the other has none.
    Keys,
    /// Both have keys, with another `max_keys`.
    MaxKeys {
        first: NonZeroU32,
        second: NonZeroU32,
    },
    /// Two functions have the same path, and the second one has this name instead.
    Renamed(String),
}

impl Conflict {
    pub(crate) fn new(
        name: &str,
        first: &'static Location<'static>,
        second: &'static Location<'static>,
        cause: ConflictCause,
    ) -> Self {
        Self { name: name.to_owned(), first, second, cause }
    }

    /// Returns the name that is declared twice.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the location of the declaration that is in effect.
    #[must_use]
    pub const fn first(&self) -> &'static Location<'static> {
        self.first
    }

    /// Returns the location of the declaration that has no effect, or that [was renamed](Self::renamed).
    #[must_use]
    pub const fn second(&self) -> &'static Location<'static> {
        self.second
    }

    /// Returns the name that the second function has instead. It is set if the default name of that function,
    /// which is its path, is the name of another function. Then the functions do not share a circuit, and a
    /// `name` in the attribute resolves the conflict.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, Registry, circuit_breaker};
    ///
    /// struct Visa;
    /// struct Bank;
    ///
    /// impl Visa {
    ///     #[circuit_breaker]
    ///     fn charge(&self, cents: u64) -> Result<u64, BreakerError> {
    ///         Ok(cents) // the real call
    ///     }
    /// }
    ///
    /// impl Bank {
    ///     #[circuit_breaker] // the path is the same, because it does not contain the type
    ///     fn charge(&self, cents: u64) -> Result<u64, BreakerError> {
    ///         Ok(cents) // the real call
    ///     }
    /// }
    ///
    /// let conflicts = Registry::global().check().unwrap_err();
    /// let conflict = conflicts.iter().find(|conflict| conflict.name().ends_with("::charge")).unwrap();
    /// assert!(conflict.renamed().unwrap().starts_with(conflict.name()));
    /// # assert_eq!((Visa.charge(1)?, Bank.charge(2)?), (1, 2));
    /// # Ok::<(), BreakerError>(())
    /// ```
    #[must_use]
    pub fn renamed(&self) -> Option<&str> {
        match &self.cause {
            ConflictCause::Renamed(name) => Some(name),
            ConflictCause::Settings | ConflictCause::Keys | ConflictCause::MaxKeys { .. } => None,
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, first, second, cause } = self;
        write!(out, "circuit breaker {} is declared at {first} and again at {second}; ", Quoted(name))?;
        match cause {
            ConflictCause::Settings => out.write_str("use the same settings for both, or rename one of them"),
            ConflictCause::Keys => {
                out.write_str("one of them has keys and the other has none; rename one of them")
            }
            ConflictCause::MaxKeys { first, second } => write!(
                out,
                "max_keys is {first} and {second}; use the same value for both, or rename one of them"
            ),
            ConflictCause::Renamed(renamed) => write!(
                out,
                "the second function has no `name` and uses {} instead; add `name = \"..\"` to it",
                Quoted(renamed)
            ),
        }
    }
}

/// Shows locations as `file:line:column`.
impl fmt::Debug for Conflict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, first, second, cause } = self;
        out.debug_struct("Conflict")
            .field("name", name)
            .field("first", &format_args!("{first}"))
            .field("second", &format_args!("{second}"))
            .field("cause", cause)
            .finish()
    }
}

impl Error for Conflict {}

#[cfg(test)]
mod tests {
    use std::panic::Location;

    use super::{Conflict, ConflictCause};

    #[test]
    fn debug_shows_the_name_and_both_locations() {
        let location = Location::caller();
        let conflict = Conflict::new("search", location, location, ConflictCause::Settings);
        let expected = format!(
            r#"Conflict {{ name: "search", first: {location}, second: {location}, cause: Settings }}"#
        );
        assert_eq!(format!("{conflict:?}"), expected);
    }
}
