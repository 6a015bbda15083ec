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
//! | `key_table.rs` | what a lock protects while a key is added or removed |
//! | `census.rs` | the sum over all circuits, without that lock |
//! | `keyed.rs` | the breaker with one circuit per key |
//! | `declaration.rs` | annotated functions, known before their first call |
//! | `registration.rs` | a name with its settings, and conflicts between two of them |
//! | `any_breaker.rs` | a breaker of either type |
//! | `store.rs` | the breakers of one registry by name |
//! | `scope.rs` | the registry of one test, which replaces the global one |
//! | `no_scope.rs` | the replacement of `scope.rs` without the feature `test-util` |
//! | `all_circuits.rs` | commands to all circuits of a registry |
//!
//! A file imports only from files above it in this table.

mod all_circuits;
mod any_breaker;
mod census;
mod circuit_map;
mod declaration;
mod error;
mod eviction;
mod held_circuit;
mod key;
mod key_table;
mod keyed;
#[cfg(not(feature = "test-util"))]
pub(crate) mod no_scope;
mod registration;
mod removed;
#[cfg(feature = "test-util")]
pub(crate) mod scope;
mod store;

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use once_cell::sync::Lazy;

pub(crate) use self::any_breaker::{AnyBreaker, RegistryBreaker};
pub(crate) use self::declaration::Configure;
pub use self::declaration::Declaration;
pub use self::error::{Conflicts, RegisterError};
pub(crate) use self::held_circuit::HeldCircuit;
pub use self::key::{DisplayKey, KeyText, KeyValue, KeyedByDisplay, KeyedByOption, join_keys};
pub(crate) use self::key::{MAX_KEY_BYTES, join_distinct};
pub use self::keyed::KeyedBreaker;
pub(crate) use self::keyed::checked_keys;
#[cfg(not(feature = "test-util"))]
pub(crate) use self::no_scope as scope;
pub(crate) use self::registration::Registration;
pub(crate) use self::store::{Registered, RegistryEntry, Store};

use crate::breaker::CircuitBreaker;
use crate::clock::Clock;
use crate::config::{Config, Conflict, Name};
use crate::event::{Audience, CallEvent, CallEvents, Events, Listener, Subscription};
use crate::snapshot::Snapshot;

/// A set of circuit breakers with different names. Clones are cheap and share the set.
///
/// ```
/// use breaker_runtime::{Config, Registry};
///
/// let registry = Registry::new();
/// let breaker = registry.register("search", Config::default())?;
/// breaker.force_open();
/// assert_eq!(registry.get("search").unwrap().state(), breaker.state());
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
    /// [`max_open`](crate::ConfigBuilder::max_open). Returns [`RegisterError::Conflict`] if the name is registered with other settings or with one circuit per key.
    /// The error names both locations, and the registered breaker does not change.
    #[track_caller]
    pub fn register(
        &self,
        name: impl Into<Cow<'static, str>>,
        config: Config,
    ) -> Result<CircuitBreaker, RegisterError> {
        let name = Name::new(name.into())?;
        config.check_without_keys()?;
        let registration = Registration::of_call(name, config, None, Location::caller());
        self.checked(self.store.register(registration, ()))
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
        self.checked(self.store.register(registration, max_keys))
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
    /// If several functions declare the name with different settings, the first one in the order of files and
    /// lines applies, and [`check`](Self::check) reports the conflict.
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

    /// Calls `listener` for each event of all breakers in this registry, until the subscription is dropped. An event
    /// that another thread is delivering at the start or at the end may arrive too.
    ///
    /// The time of a state change is proportional to the number of listeners. A call without an event does not depend
    /// on it.
    pub fn listen(&self, listener: impl Listener + 'static) -> Subscription {
        self.store.hub().listen(Audience::Program, listener)
    }

    /// Calls `listener` for the events of single calls that it asks for, of all breakers in this registry, until the
    /// subscription is dropped. An event that another thread is delivering at the start or at the end may arrive too.
    ///
    /// Calls are not reported otherwise, and cost nothing more while no listener exists. The listener runs on the
    /// thread of the call, after the call has been counted and without a lock, so it may use the breaker; calls that
    /// it makes cause no call events. The caller waits for it and for all other listeners, so it should return quickly.
    /// A panic in it is caught.
    /// Call events are in the order of each thread only, and [`Events`] do not contain them.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use breaker_runtime::{CallEvent, CallEvents, Config, Registry};
    ///
    /// let registry = Registry::new();
    /// let log = Arc::new(Mutex::new(Vec::new()));
    /// let subscription = registry.listen_to_calls(CallEvents::REJECTED | CallEvents::FAILED, {
    ///     let log = Arc::clone(&log);
    ///     move |event: &CallEvent| log.lock().unwrap().push(event.to_string())
    /// });
    /// let breaker = registry.register("search", Config::default())?;
    /// breaker.try_acquire()?.fail("no route to host");
    /// breaker.force_open();
    /// assert!(breaker.try_acquire().is_err());
    /// drop(subscription);
    ///
    /// let lines = log.lock().unwrap();
    /// assert_eq!(lines[0], r#"circuit breaker "search": a call failed: "no route to host""#);
    /// assert_eq!(lines[1], r#"circuit breaker "search" is forced open"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn listen_to_calls(
        &self,
        events: CallEvents,
        listener: impl Fn(&CallEvent) + Send + Sync + 'static,
    ) -> Subscription {
        self.store.hub().listen_to_calls(events, listener)
    }

    /// Returns the events of all breakers in this registry from now on, for async code.
    #[must_use]
    pub fn subscribe(&self) -> Events {
        self.store.hub().subscribe()
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

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Notifies the listeners of a conflict and returns it as an error.
    fn checked<B>(&self, registered: Registered<B>) -> Result<B, RegisterError> {
        let Registered { breaker, conflict } = registered;
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
