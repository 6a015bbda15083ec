//! Circuit breakers by name. The attribute uses the global registry; a program can create others.
//!
//! A registry is used when a breaker is registered, looked up or listed, never by a call.
//!
//! | file | contents |
//! |---|---|
//! | `error.rs` | errors of a registration |
//! | `key.rs` | the text of a key |
//! | `held_circuit.rs` | the circuit of a key during one call |
//! | `circuit_map.rs` | the circuits of keys, found without a lock |
//! | `eviction.rs` | the order in which circuits of keys are evicted |
//! | `removed.rs` | the counts of evicted and removed circuits |
//! | `name_pattern.rs` | the names that a section of a configuration applies to |
//! | `breaker_settings.rs` | the settings of a breaker and of its keys |
//! | `applied_settings.rs` | settings that have been applied, before listeners know |
//! | `key_table.rs` | what a lock protects while a key is added or removed |
//! | `census.rs` | the sum over all circuits, without that lock |
//! | `taps.rs` | what sees the calls of all circuits |
//! | `context.rs` | what all breakers of a registry share |
//! | `keyed.rs` | the breaker with one circuit per key |
//! | `declaration.rs` | annotated functions, known before their first call |
//! | `layers.rs` | settings that replace those in the code, in layers |
//! | `config_loads.rs` | the results of loading a configuration |
//! | `config_report.rs` | the result of a configuration |
//! | `resolution.rs` | the settings of one name after the sections that match it |
//! | `registration.rs` | a name with its settings, and conflicts between two of them |
//! | `any_breaker.rs` | a breaker of either type |
//! | `store.rs` | the breakers of one registry by name |
//! | `key_settings.rs` | the settings of single keys, also of keys without a circuit |
//! | `store_config.rs` | applies a configuration to the breakers of a store |
//! | `tap_registration.rs` | attaches and detaches taps |
//! | `scope.rs` | the registry of one test, which replaces the global one |
//! | `no_scope.rs` | the replacement of `scope.rs` without the feature `test-util` |
//! | `configure.rs` | methods of a registry that configure its breakers |
//! | `listening.rs` | methods of a registry for listeners |
//! | `all_circuits.rs` | commands to all circuits of a registry |
//!
//! A file imports only from files above it in this table.

mod all_circuits;
mod any_breaker;
mod applied_settings;
mod breaker_settings;
mod census;
mod circuit_map;
mod config_loads;
mod config_report;
mod configure;
mod context;
mod declaration;
mod error;
mod eviction;
mod held_circuit;
mod key;
mod key_settings;
mod key_table;
mod keyed;
mod layers;
mod listening;
mod name_pattern;
#[cfg(not(feature = "test-util"))]
pub(crate) mod no_scope;
mod registration;
mod removed;
mod resolution;
#[cfg(feature = "test-util")]
pub(crate) mod scope;
mod store;
mod store_config;
mod tap_registration;
mod taps;

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use once_cell::sync::Lazy;

pub(crate) use self::any_breaker::{AnyBreaker, RegistryBreaker};
pub use self::config_loads::ConfigStatus;
pub use self::config_report::{ConfigReport, ConfigureError};
pub(crate) use self::declaration::Configure;
pub use self::declaration::Declaration;
pub use self::error::{Conflicts, RegisterError};
pub(crate) use self::held_circuit::HeldCircuit;
pub use self::key::{DisplayKey, KeyText, KeyValue, KeyedByDisplay, KeyedByOption, join_keys};
pub(crate) use self::key::{MAX_KEY_BYTES, join_distinct};
pub use self::keyed::KeyedBreaker;
pub(crate) use self::keyed::checked_keys;
pub use self::layers::{ConfigLayer, ConfigSection, SectionError};
#[cfg(not(feature = "test-util"))]
pub(crate) use self::no_scope as scope;
pub(crate) use self::registration::Registration;
#[allow(unused_imports, reason = "only the integration `axum` tells functions from breakers")]
pub(crate) use self::store::Uncalled;
pub(crate) use self::store::{Registered, RegistryEntry, Store, Warnings};
#[allow(unused_imports, reason = "only the features `shadow` and `recorder` have taps")]
pub(crate) use self::tap_registration::TapRegistration;
#[allow(unused_imports, reason = "only the feature `shadow` keeps and promotes settings")]
pub(crate) use self::{breaker_settings::BreakerSettings, config_report::UnannouncedReport};

use crate::breaker::CircuitBreaker;
use crate::clock::Clock;
use crate::config::{Config, Conflict, Name};
use crate::snapshot::Snapshot;

/// A set of circuit breakers with different names. Clones are cheap and share the set.
///
/// ```
/// use breaker_runtime::{Config, Registry};
///
/// let registry = Registry::new();
/// let payment = registry.register("payment", Config::default())?;
/// registry.register_keyed("shop", Config::default(), 1000)?;
/// payment.force_open();
/// assert_eq!(registry.get("payment").unwrap().state(), payment.state());
///
/// assert!(registry.iter().map(|breaker| breaker.name().to_owned()).eq(["payment"]));
/// assert!(registry.iter_keyed().map(|breaker| breaker.name().to_owned()).eq(["shop"]));
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    store: Arc<Store>,
}

static GLOBAL: Lazy<Registry> =
    Lazy::new(|| Registry { store: Arc::new(Store::for_functions(Clock::default())) });

impl Registry {
    /// Returns a new, empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self { store: Arc::new(Store::standalone(Clock::here())) }
    }

    /// Returns a new, empty registry whose breakers read the time from `clock`.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn with_clock(clock: &crate::clock::mock::Clock) -> Self {
        Self { store: Arc::new(Store::standalone(Clock::mocked(clock))) }
    }

    /// Returns the registry in which annotated functions register their breaker on their first call. Within a
    /// scope of the feature `test-util`, this is the registry of the scope.
    ///
    /// [`declared`](Self::declared) lists functions that have not been called yet, and [`get`](Self::get) returns
    /// their breakers.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let geocoder = Registry::global().register("geocoder", Config::default())?;
    /// assert_eq!(Registry::global().get("geocoder").unwrap().config(), geocoder.config());
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[must_use]
    pub fn global() -> Self {
        scope::store().map_or_else(|| GLOBAL.clone(), Self::from_store)
    }

    /// Returns all annotated functions of the binary, called or not, sorted by name.
    ///
    /// They come from all crates that are linked into the binary. A dependency in `Cargo.toml` that no code
    /// uses is not linked; `use that_crate as _;` links it.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, Registry, circuit_breaker};
    ///
    /// #[circuit_breaker(name = "orders")]
    /// fn order(sku: &str) -> Result<u64, BreakerError> {
    ///     Ok(sku.len() as u64) // the real call
    /// }
    ///
    /// for declared in Registry::declared() {
    ///     println!("{} is {} at {}", declared.name(), declared.function(), declared.location());
    /// }
    /// # assert!(Registry::declared().any(|declared| declared.name() == "orders"));
    /// ```
    pub fn declared() -> impl Iterator<Item = &'static Declaration> {
        declaration::all().into_iter()
    }

    /// Registers a breaker with one circuit, or returns the one that has this name and equal settings.
    ///
    /// # Errors
    ///
    /// Returns [`RegisterError::Invalid`] if the name is empty or longer than 255 bytes, or if `config` sets
    /// [`max_open`](crate::ConfigBuilder::max_open). Returns [`RegisterError::Conflict`] if the name is registered with
    /// other settings or with one circuit per key. The error names both locations, and the registered breaker does not
    /// change.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry, State};
    ///
    /// let registry = Registry::new();
    /// let payment = registry.register("payment", Config::default())?;
    /// registry.register("payment", Config::default())?.force_open(); // the same circuit
    /// assert_eq!(payment.state(), State::ForcedOpen);
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[track_caller]
    pub fn register(
        &self,
        name: impl Into<Cow<'static, str>>,
        config: Config,
    ) -> Result<CircuitBreaker, RegisterError> {
        let name = Name::new(name.into())?;
        config.check_without_keys()?;
        let registration = Registration::of_call(name, config, None, Location::caller());
        self.checked(self.store.register(&registration, ()))
    }

    /// Registers a breaker with one circuit per key, or returns the one that has this name and equal
    /// settings.
    ///
    /// The breaker has at most `max_keys` circuits, from 1 to 1,000,000.
    ///
    /// # Errors
    ///
    /// Returns [`RegisterError::Invalid`] if the name is empty or longer than 255 bytes, or if `max_keys` is
    /// out of its range. Returns [`RegisterError::Conflict`] if the name is registered with other settings,
    /// with another `max_keys`, or with one circuit.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let shops = Registry::new().register_keyed("shop", Config::default(), 1000)?;
    /// assert_eq!((shops.name(), shops.max_keys()), ("shop", 1000));
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[track_caller]
    pub fn register_keyed(
        &self,
        name: impl Into<Cow<'static, str>>,
        config: Config,
        max_keys: u32,
    ) -> Result<KeyedBreaker, RegisterError> {
        let name = Name::new(name.into())?;
        let max_keys = checked_keys(max_keys)?;
        let registration = Registration::of_call(name, config, Some(max_keys), Location::caller());
        self.checked(self.store.register(&registration, max_keys))
    }

    /// Returns the breaker with this name, or `None` if there is none or it has one circuit per key.
    ///
    /// The breaker of an annotated function is available before the first call of the function: if it is not
    /// registered yet, this registers it. So a program can set up the circuit when it starts:
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, Registry, circuit_breaker};
    ///
    /// #[circuit_breaker(name = "loyalty points")]
    /// fn points(customer: &str) -> Result<u64, BreakerError> {
    ///     Ok(customer.len() as u64) // the real call
    /// }
    ///
    /// // At the start of the program: the service is down for maintenance.
    /// let breaker = Registry::global().get("loyalty points").unwrap();
    /// breaker.operator("maintenance").force_open();
    ///
    /// assert!(points("alice").is_err());
    /// # breaker.release();
    /// # assert_eq!(points("alice").unwrap(), 5);
    /// ```
    ///
    /// This applies to the [global](Self::global) registry and to that of a test scope, and to the functions
    /// that [`declared`](Self::declared) lists. There are three exceptions:
    ///
    /// * A function with the key `registry` has no registry before its first call. Register its breaker there
    ///   beforehand: `registry.register(declared.name(), declared.config())`, with its
    ///   [`Declaration`]. A `KeyedBreaker` also needs [`Declaration::max_keys`].
    /// * A function with the key `breaker` uses an existing breaker, which is registered by the code that
    ///   creates it, or not at all.
    /// * On a platform that runs no code before `main`, such as `wasm32-unknown-unknown`, `declared` is empty, and
    ///   a function registers on its first call only.
    ///
    /// If several functions declare the name with different settings, those of the function that registers the name
    /// first apply: the one called first, or the first by file and line if `get` registers it.
    /// [`check`](Self::check) reports the conflict.
    ///
    /// [`iter`](Self::iter) returns only the breakers that are registered already, and registers none.
    ///
    /// The time is logarithmic in the number of names.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<CircuitBreaker> {
        CircuitBreaker::from_any(&self.store.get(name)?).cloned()
    }

    /// Returns the breaker with this name and one circuit per key, or `None` if there is none or it has one
    /// circuit. Like [`get`](Self::get), it registers the breaker of an annotated function that has not been
    /// called yet.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, Registry, State, circuit_breaker};
    ///
    /// #[circuit_breaker(name = "tenants", key = tenant)]
    /// fn price(tenant: &str) -> Result<u64, BreakerError> {
    ///     Ok(tenant.len() as u64) // the real call
    /// }
    ///
    /// assert_eq!(price("acme")?, 4);
    /// let tenants = Registry::global().get_keyed("tenants").unwrap();
    /// assert_eq!(tenants.find("acme").unwrap().state(), State::Closed);
    /// assert!(Registry::global().get("tenants").is_none()); // it has one circuit per key
    /// # Ok::<(), BreakerError>(())
    /// ```
    #[must_use]
    pub fn get_keyed(&self, name: &str) -> Option<KeyedBreaker> {
        KeyedBreaker::from_any(&self.store.get(name)?).cloned()
    }

    /// Returns all breakers with one circuit that are registered now, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = CircuitBreaker> + use<> {
        self.breakers_of()
    }

    /// Returns all breakers with one circuit per key that are registered now, sorted by name.
    pub fn iter_keyed(&self) -> impl Iterator<Item = KeyedBreaker> + use<> {
        self.breakers_of()
    }

    /// Returns a snapshot of each existing circuit, including those of keys, sorted by name, in time proportional to
    /// the number of circuits.
    #[must_use]
    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.circuits().map(|circuit| circuit.snapshot()).collect()
    }

    /// Returns one snapshot per name, sorted by name. The snapshot of a breaker with keys
    /// [combines its circuits](KeyedBreaker::snapshot). The time is proportional to the number of circuits.
    ///
    /// [Declared](Self::declared) functions that have not been called yet are included, so that their metrics
    /// exist from the start of the program.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let shops = registry.register_keyed("shop", Config::default(), 1000)?;
    /// assert_ne!(shops.get("eu-1").key(), shops.get("eu-2").key());
    /// assert_eq!((registry.snapshots().len(), registry.snapshots_by_name().len()), (2, 1));
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[must_use]
    pub fn snapshots_by_name(&self) -> Vec<Snapshot> {
        self.entries().iter().map(|entry| entry.snapshot(self.clock())).collect()
    }

    /// Checks that all registrations of a name agree. Call this in a test or at the start of a service.
    ///
    /// The [global](Self::global) registry also checks all [declared](Self::declared) functions, called or
    /// not.
    ///
    /// # Errors
    ///
    /// Returns all names whose registrations disagree, with both locations. Two functions with the same path
    /// and no `name` are a conflict even if their settings are equal.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register("search", Config::default())?;
    /// let lenient = Config::builder().failure_threshold(50).build()?;
    /// assert!(registry.register("search", lenient).is_err());
    /// assert_eq!(registry.check().unwrap_err().iter().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self) -> Result<(), Conflicts> {
        Conflicts::if_any(self.store.conflicts())
    }

    /// Returns one entry per name, sorted by name. A breaker takes precedence over the functions that declare
    /// its name.
    pub(crate) fn entries(&self) -> Vec<RegistryEntry> {
        self.store.entries()
    }

    /// Returns all breakers that are registered now, sorted by name.
    #[allow(dead_code, reason = "only the integration `axum` reads them without the functions")]
    pub(crate) fn breakers(&self) -> Vec<AnyBreaker> {
        self.store.breakers()
    }

    /// Returns the clock of all breakers in this registry.
    pub(crate) fn clock(&self) -> &Clock {
        self.store.clock()
    }

    pub(crate) const fn from_store(store: Arc<Store>) -> Self {
        Self { store }
    }

    #[allow(dead_code, reason = "only the features `shadow` and `recorder` attach taps")]
    pub(crate) const fn shared_store(&self) -> &Arc<Store> {
        &self.store
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Notifies the listeners of a conflict and returns it as an error.
    fn checked<B>(&self, registered: Registered<B>) -> Result<B, RegisterError> {
        let Registered { breaker, conflict, warnings } = registered;
        warnings.report();
        let Some(conflict) = conflict else {
            return Ok(breaker);
        };
        self.store.notify_conflict(&conflict);
        Err(RegisterError::Conflict(Conflict::clone(&conflict)))
    }

    fn breakers_of<B: RegistryBreaker>(&self) -> impl Iterator<Item = B> + use<B> {
        self.store.breakers().into_iter().filter_map(|breaker| B::from_any(&breaker).cloned())
    }

    /// Returns the circuits that exist now.
    pub(crate) fn circuits(&self) -> impl Iterator<Item = CircuitBreaker> + use<> {
        self.store.breakers().into_iter().flat_map(|breaker| breaker.circuits())
    }

    /// Registers the functions without keys that have not been called yet, and returns the circuits that exist
    /// then.
    pub(crate) fn circuits_with_uncalled(&self) -> impl Iterator<Item = CircuitBreaker> + use<> {
        self.store.register_uncalled();
        self.circuits()
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = out.debug_set();
        for breaker in self.store.breakers() {
            match breaker {
                AnyBreaker::Single(breaker) => names.entry(&breaker),
                AnyBreaker::Keyed(breaker) => names.entry(&breaker),
            };
        }
        names.finish()
    }
}
