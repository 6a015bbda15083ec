//! Annotated functions. Each adds its declaration to a list before `main`, so the list is always complete: it
//! contains the functions of all crates of the binary, called or not.

use std::fmt;
use std::num::NonZeroU32;
use std::panic::Location;

use crate::config::{Config, ConfigBuilder};
use crate::sync::list::{Link, Linked, List};

/// A function with the attribute [`circuit_breaker`](crate::circuit_breaker), from
/// [`Registry::declared`](crate::Registry::declared). It is known before its first call. A function that uses
/// an existing breaker, `breaker = ..`, has no declaration.
///
/// ```
/// use breaker_runtime::{BreakerError, Registry, circuit_breaker};
///
/// #[circuit_breaker(name = "invoices", failure_threshold = 7)]
/// fn invoice(number: u32) -> Result<u64, BreakerError> {
///     // never called
/// #   Ok(1)
/// }
///
/// let invoices = Registry::declared().find(|declared| declared.name() == "invoices").unwrap();
/// assert!(invoices.function().ends_with("::invoice"));
/// assert_eq!(invoices.config().failure_threshold(), Some(7));
/// assert!(invoices.location().line() > 1);
/// # assert!(invoices.has_chosen_name() && invoices.max_keys().is_none());
/// ```
pub struct Declaration {
    name: &'static str,
    function: &'static str,
    configure: Configure,
    max_keys: Option<NonZeroU32>,
    location: &'static Location<'static>,
    has_chosen_name: bool,
    has_own_registry: bool,
    link: Link<Self>,
}

/// A function that returns the settings in the attribute, which were checked at compile time. A function is
/// cheaper to compile than settings that are evaluated for each static.
pub(crate) type Configure = fn() -> ConfigBuilder;

static DECLARED: List<Declaration> = List::new();

/// Returns all declarations, sorted by name and then by location. The list itself is in the order of the
/// linker.
pub(super) fn all() -> Vec<&'static Declaration> {
    let mut all: Vec<_> = DECLARED.iter().collect();
    all.sort_by_key(|declared| {
        let Declaration { name, location, function, .. } = declared;
        (*name, location.file(), location.line(), location.column(), *function)
    });
    all
}

impl Declaration {
    /// Returns the declaration of a function with a chosen name.
    #[track_caller]
    pub(crate) const fn named(name: &'static str, function: &'static str, configure: Configure) -> Self {
        Self { name, has_chosen_name: true, ..Self::unnamed(function, configure) }
    }

    /// Returns the declaration of a function whose circuit has the path of the function as its name.
    #[track_caller]
    pub(crate) const fn unnamed(function: &'static str, configure: Configure) -> Self {
        Self {
            name: function,
            function,
            configure,
            max_keys: None,
            location: Location::caller(),
            has_chosen_name: false,
            has_own_registry: false,
            link: Link::UNSET,
        }
    }

    /// Declares that the attribute has a `registry`.
    pub(crate) const fn set_own_registry(&mut self) {
        self.has_own_registry = true;
    }

    /// Declares that the function has one circuit per key.
    pub(crate) const fn keyed(mut self, max_keys: NonZeroU32) -> Self {
        self.max_keys = Some(max_keys);
        self
    }

    /// Returns the name of the circuit breaker.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns `true` if the attribute has a `name`. Otherwise the name is the path of the function.
    #[must_use]
    pub const fn has_chosen_name(&self) -> bool {
        self.has_chosen_name
    }

    /// Returns the path of the function: its module and its name. For a method, the type is not part of it.
    #[must_use]
    pub const fn function(&self) -> &'static str {
        self.function
    }

    /// Returns the file, line and column of the attribute.
    #[must_use]
    pub const fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// Returns the settings in the attribute.
    #[must_use]
    pub fn config(&self) -> Config {
        (self.configure)().build_unchecked()
    }

    /// Returns the maximum number of circuits, or `None` if the function has one circuit and no `key`.
    #[must_use]
    pub fn max_keys(&self) -> Option<usize> {
        self.max_keys.map(|keys| keys.get() as usize)
    }

    /// Returns `true` if the attribute has a `registry`, which is known only when the function is called.
    #[must_use]
    pub const fn has_own_registry(&self) -> bool {
        self.has_own_registry
    }

    pub(super) const fn keys(&self) -> Option<NonZeroU32> {
        self.max_keys
    }

    /// Adds this to the list of declarations unless it is in the list already.
    pub(crate) fn add(&'static self) {
        DECLARED.add(self);
    }
}

impl fmt::Debug for Declaration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            function,
            configure: _,
            max_keys,
            location,
            has_chosen_name,
            has_own_registry,
            link: _,
        } = self;
        out.debug_struct("Declaration")
            .field("name", name)
            .field("function", function)
            .field("config", &self.config())
            .field("max_keys", max_keys)
            .field("location", location)
            .field("has_chosen_name", has_chosen_name)
            .field("has_own_registry", has_own_registry)
            .finish()
    }
}

impl Linked for Declaration {
    fn link(&self) -> &Link<Self> {
        &self.link
    }
}
