//! A name that was declared in two ways.

use std::error::Error;
use std::fmt;
use std::panic::Location;

/// One name was declared in two ways. The first declaration stands.
///
/// ```
/// use breaker_runtime::{Config, RegisterError, Registry};
///
/// let registry = Registry::new();
/// registry.register("search", Config::default())?;
///
/// let lenient = Config::builder().failure_threshold(50).build()?;
/// let Err(RegisterError::Conflict(conflict)) = registry.register("search", lenient) else {
///     panic!("they do not agree")
/// };
/// assert_eq!(conflict.name(), "search");
/// assert!(conflict.first().line() < conflict.second().line());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl Error for Conflict {}
