//! The error of a name that is declared with different settings.
//!
//! It knows where both declarations are, but not how they differ.

use std::error::Error;
use std::fmt;
use std::panic::Location;

use crate::printable::Quoted;

/// Two declarations of one name do not agree. The first one stays in effect.
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
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Conflict {
    name: String,
    first: &'static Location<'static>,
    second: &'static Location<'static>,
}

impl Conflict {
    pub(crate) fn new(
        name: &str,
        first: &'static Location<'static>,
        second: &'static Location<'static>,
    ) -> Self {
        Self { name: name.to_owned(), first, second }
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

    /// Returns the location of the declaration that has no effect.
    #[must_use]
    pub const fn second(&self) -> &'static Location<'static> {
        self.second
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, first, second } = self;
        write!(
            out,
            "circuit breaker {} is declared at {first} and again at {second}; \
             use the same settings for both, or rename one of them",
            Quoted(name)
        )
    }
}

/// Shows locations as `file:line:column`.
impl fmt::Debug for Conflict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, first, second } = self;
        out.debug_struct("Conflict")
            .field("name", name)
            .field("first", &format_args!("{first}"))
            .field("second", &format_args!("{second}"))
            .finish()
    }
}

impl Error for Conflict {}

#[cfg(test)]
mod tests {
    use std::panic::Location;

    use super::Conflict;

    #[test]
    fn debug_shows_the_name_and_both_locations() {
        let location = Location::caller();
        let conflict = Conflict::new("search", location, location);
        let expected = format!(r#"Conflict {{ name: "search", first: {location}, second: {location} }}"#);
        assert_eq!(format!("{conflict:?}"), expected);
    }
}
