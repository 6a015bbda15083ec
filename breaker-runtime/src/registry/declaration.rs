//! What the attribute declares of a function. The linker collects the declarations of all crates in the
//! binary, so each is known from the start, whether its function is ever called or not.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::panic::Location;

use super::claim::{Claim, Origin};
use super::{Entries, Registry};
use crate::config::{Config, ConfigBuilder, Conflict, Name, Settings};
use crate::sync::list::{Link, Linked, List};

/// A function with the attribute, from [`Registry::declared`](crate::Registry::declared): known before its
/// first call, and also if there is none. One that uses a `breaker` which is there already declares nothing.
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
    place: &'static Location<'static>,
    naming: Naming,
    home: Home,
    link: Link<Self>,
}

/// The settings that the attribute gives: literals that it has checked, and const expressions that the compiler
/// has. Not the settings themselves: to work them out for each function takes the compiler its time.
pub(crate) type Configure = fn() -> ConfigBuilder;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    Chosen,
    /// Made from the path of the function.
    Derived,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    Global,
    /// A registry that the function gives when it is called.
    Own,
}

static DECLARED: List<Declaration> = List::new();

impl Declaration {
    /// A function whose author chose the name.
    #[track_caller]
    pub(crate) const fn named(name: &'static str, function: &'static str, configure: Configure) -> Self {
        Self { name, naming: Naming::Chosen, ..Self::unnamed(function, configure) }
    }

    /// A function that is called after its path.
    #[track_caller]
    pub(crate) const fn unnamed(function: &'static str, configure: Configure) -> Self {
        Self {
            name: function,
            function,
            configure,
            max_keys: None,
            place: Location::caller(),
            naming: Naming::Derived,
            home: Home::Global,
            link: Link::UNSET,
        }
    }

    pub(crate) const fn move_elsewhere(&mut self) {
        self.home = Home::Own;
    }

    pub(crate) const fn keyed(mut self, max_keys: NonZeroU32) -> Self {
        self.max_keys = Some(max_keys);
        self
    }

    /// The name of the circuit breaker.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the author of the function chose the name; otherwise it is the path of the function.
    #[must_use]
    pub const fn has_chosen_name(&self) -> bool {
        matches!(self.naming, Naming::Chosen)
    }

    /// The path of the function: its module and its own name. The type of a method is not in it.
    #[must_use]
    pub const fn function(&self) -> &'static str {
        self.function
    }

    /// The file, the line and the column of the attribute.
    #[must_use]
    pub const fn location(&self) -> &'static Location<'static> {
        self.place
    }

    /// The settings that the attribute gives.
    #[must_use]
    pub fn config(&self) -> Config {
        (self.configure)().build_unchecked()
    }

    /// How many circuits there may be; none if there is one circuit and no key.
    #[must_use]
    pub fn max_keys(&self) -> Option<usize> {
        self.max_keys.map(|keys| keys.get() as usize)
    }

    /// Whether it names a `registry` of its own, which nobody knows before its first call.
    #[must_use]
    pub const fn has_own_registry(&self) -> bool {
        matches!(self.home, Home::Own)
    }

    pub(crate) fn add(&'static self) {
        DECLARED.add(self);
    }

    pub(crate) fn claim(&'static self) -> Claim {
        let (name, settings) = (Name::Static(self.name), Settings::from(self.config()));
        Claim { name, settings, max_keys: self.max_keys, origin: Origin::Function(self) }
    }
}

impl fmt::Debug for Declaration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, function, configure: _, max_keys, place, naming, home, link: _ } = self;
        out.debug_struct("Declaration")
            .field("name", name)
            .field("function", function)
            .field("config", &self.config())
            .field("max_keys", max_keys)
            .field("place", place)
            .field("naming", naming)
            .field("home", home)
            .finish()
    }
}

impl Linked for Declaration {
    fn link(&self) -> &Link<Self> {
        &self.link
    }
}

impl Registry {
    /// Whether annotated functions register here, but for those that name another registry.
    pub(crate) fn is_of_functions(&self) -> bool {
        self.shared.is_global
    }
}

/// Sorted by name, and then by where they stand: the linker has an order of its own.
pub(super) fn all() -> Vec<&'static Declaration> {
    let mut all: Vec<_> = DECLARED.iter().collect();
    all.sort_by_key(|declared| {
        let Declaration { name, place, function, .. } = declared;
        (*name, place.file(), place.line(), place.column(), *function)
    });
    all
}

/// The declarations that do not agree with what is registered, or else with the first of the same name.
pub(super) fn conflicts(entries: &Entries) -> Vec<Conflict> {
    let mut first: BTreeMap<&str, Claim> = BTreeMap::new();
    let conflict = |declared: &'static Declaration| {
        let (name, claim) = (declared.name(), declared.claim());
        match entries.by_name.get(name) {
            Some(entry) => entry.claim.conflict(&claim),
            None => first.entry(name).or_insert_with(|| claim.clone()).conflict(&claim),
        }
    };
    all().into_iter().filter(|declared| !declared.has_own_registry()).filter_map(conflict).collect()
}
