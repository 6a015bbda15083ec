//! Annotated functions. Each adds its declaration to a list before `main`, so the list is always complete: it
//! contains the functions of all crates of the binary, called or not.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::panic::Location;

use once_cell::sync::OnceCell;

use crate::config::{Config, ConfigBuilder, Name, SettingSource, SharedConfig};
use crate::sync::list::{Link, Linked, List};

/// A function with the attribute [`circuit_breaker`](crate::circuit_breaker), from
/// [`Registry::declared`](crate::Registry::declared). It is known before its first call, and
/// [`Registry::get`](crate::Registry::get) returns its breaker. A function that uses an existing breaker,
/// `breaker = ..`, has no declaration.
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
/// assert!(invoices.has_chosen_name() && invoices.max_keys().is_none());
/// ```
pub struct Declaration {
    /// The chosen name, or the path of the function.
    given_name: &'static str,
    /// Set when a name is needed for the first time.
    naming: OnceCell<Naming>,
    function: &'static str,
    configure: Configure,
    max_keys: Option<NonZeroU32>,
    location: &'static Location<'static>,
    has_chosen_name: bool,
    has_own_registry: bool,
    link: Link<Self>,
}

/// The name of a function, which is unique unless it was chosen.
struct Naming {
    name: &'static str,
    /// The function that has the given name, if this one got another name.
    taken_by: Option<&'static Declaration>,
}

/// A function that returns the settings in the attribute, which were checked at compile time. A function is
/// cheaper to compile than settings that are evaluated for each static.
pub(crate) type Configure = fn() -> ConfigBuilder;

static DECLARED: List<Declaration> = List::new();

/// Returns all declarations, sorted by name and then by location. The list itself is in the order of the
/// linker.
pub(super) fn all() -> Vec<&'static Declaration> {
    let mut all: Vec<_> = DECLARED.iter().collect();
    all.sort_by_key(|declared| (declared.name(), declared.source()));
    all
}

/// Returns all declarations in the order of the linker, without sorting them.
pub(super) fn unsorted() -> impl Iterator<Item = &'static Declaration> {
    DECLARED.iter()
}

/// Returns the first declaration with this name, in the order of files and lines, among the functions that
/// register in the global registry.
pub(super) fn first_named(name: &str) -> Option<&'static Declaration> {
    let has_name = |declared: &&'static Declaration| declared.name() == name && !declared.has_own_registry;
    DECLARED.iter().filter(has_name).min_by_key(|declared| declared.source())
}

/// Names all functions that have no name yet, so that no two of them share a circuit by accident. The result
/// depends on the functions in the binary, and not on the order of their calls: the first location keeps the
/// path as its name, and every other one gets a name that contains its location.
fn assign_names(mut all: Vec<&'static Declaration>) {
    all.reverse();
    all.sort_by_key(|declared| (declared.given_name, declared.source()));
    let has_name =
        |declared: &&'static Declaration| declared.has_chosen_name || declared.naming.get().is_some();
    let (named, unnamed): (Vec<_>, Vec<_>) = all.into_iter().partition(has_name);
    let mut owners: BTreeMap<&'static str, &'static Declaration> = BTreeMap::new();
    for declared in named {
        let naming = declared.naming.get_or_init(|| Naming { name: declared.given_name, taken_by: None });
        owners.entry(naming.name).or_insert(declared);
    }
    for declared in unnamed {
        let taken_by = owners.get(declared.given_name).copied();
        let naming = declared.naming.get_or_init(|| match taken_by {
            None => Naming { name: declared.given_name, taken_by },
            Some(_) => Naming { name: declared.unique_name(&owners), taken_by },
        });
        owners.insert(naming.name, declared);
    }
}

impl Declaration {
    /// Returns the declaration of a function with a chosen name.
    #[track_caller]
    pub(crate) const fn named(name: &'static str, function: &'static str, configure: Configure) -> Self {
        let mut declaration = Self::unnamed(function, configure);
        declaration.given_name = name;
        declaration.has_chosen_name = true;
        declaration
    }

    /// Returns the declaration of a function whose circuit has the path of the function as its name.
    #[track_caller]
    pub(crate) const fn unnamed(function: &'static str, configure: Configure) -> Self {
        Self {
            given_name: function,
            naming: OnceCell::new(),
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

    /// Returns the name of the circuit breaker: the `name` of the attribute, or else the path of the function.
    ///
    /// If that path is also the name of another function, only one of them has it. The name of the other one
    /// also contains its location, for example `shop::get (src/shop.rs:12:5)`. Names depend on the functions
    /// in the binary, and not on the order of their calls.
    #[must_use]
    pub fn name(&self) -> &'static str {
        if self.naming.get().is_none() {
            DECLARED.with_all(assign_names);
        }
        self.naming.get().map_or(self.given_name, |naming| naming.name)
    }

    /// Returns `true` if the attribute has a `name`. Otherwise the name is derived from the path of the function.
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

    /// Returns the settings in the attribute, with their source.
    pub(super) fn settings(&self) -> SharedConfig {
        SharedConfig::new(self.config(), SettingSource::Attribute(self.location))
    }

    /// Returns the maximum number of circuits, or `None` if the function has one circuit and no `key`.
    #[must_use]
    pub fn max_keys(&self) -> Option<usize> {
        self.max_keys.map(|keys| keys.get() as usize)
    }

    /// Returns `true` if the attribute has a `registry`, which is known only when the function is called.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, Registry, circuit_breaker};
    ///
    /// #[circuit_breaker(name = "refunds")]
    /// fn refund(number: u32) -> Result<u32, BreakerError> {
    ///     Ok(number) // the real call
    /// }
    ///
    /// // These functions register in the global registry.
    /// let mut global = Registry::declared().filter(|declared| !declared.has_own_registry());
    /// assert!(global.any(|declared| declared.name() == "refunds"));
    /// # assert_eq!(refund(1)?, 1);
    /// # Ok::<(), BreakerError>(())
    /// ```
    #[must_use]
    pub const fn has_own_registry(&self) -> bool {
        self.has_own_registry
    }

    /// Returns the chosen name or the path of the function, which may be the name of another function.
    pub(super) const fn given_name(&self) -> &'static str {
        self.given_name
    }

    /// Returns the function that has the path of this one as its name.
    pub(super) fn namesake(&self) -> Option<&'static Self> {
        self.naming.get()?.taken_by
    }

    /// Returns a name with the location. The functions that one macro writes have the same location, and
    /// their names also get a number.
    fn unique_name(&self, taken: &BTreeMap<&'static str, &'static Self>) -> &'static str {
        let location = self.location;
        let suffix = |number| match number {
            1 => format!(" ({location})"),
            _ => format!(" ({location} #{number})"),
        };
        let mut names = (1_u32..).map(|number| Name::with_suffix(self.given_name, &suffix(number)));
        let unique = names.find(|name| !taken.contains_key(name.as_str()));
        // It belongs to a static, and is never freed either.
        unique.map_or(self.given_name, |name| String::leak(name))
    }

    fn source(&self) -> (&'static str, u32, u32, &'static str) {
        (self.location.file(), self.location.line(), self.location.column(), self.function)
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
            given_name: _,
            naming: _,
            function,
            configure: _,
            max_keys,
            location,
            has_chosen_name,
            has_own_registry,
            link: _,
        } = self;
        out.debug_struct("Declaration")
            .field("name", &self.name())
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
