//! Name to breaker. One registry is global and serves the attribute; others are for those who want
//! their own. Its lock is taken when a breaker is registered, looked up or listed, never by a call.
//!
//! | file | |
//! |---|---|
//! | `keyed.rs` | one circuit for each key |
//! | `key.rs` | a key as text |
//! | `declaration.rs` | what the attribute says about a function, known before its first call |
//! | `claim.rs` | what anybody says about a name, and whether two of them agree |
//! | `conflict.rs` | why a breaker was not registered |
//! | `summaries.rs` | all of it at a glance |
//! | `scope.rs` | the registry that one test has for itself |

mod claim;
mod conflict;
mod declaration;
mod key;
mod keyed;
mod summaries;
#[cfg(feature = "test-util")]
pub(crate) mod scope;
/// Without tests there is no scope.
#[cfg(not(feature = "test-util"))]
pub(crate) mod scope {
    use super::{Declaration, KeyedBreaker, Registry};
    use crate::breaker::CircuitBreaker;

    pub(super) const fn registry() -> Option<Registry> {
        None
    }

    #[inline]
    pub(crate) const fn single(_: &'static Declaration) -> Option<&'static CircuitBreaker> {
        None
    }

    #[inline]
    pub(crate) const fn knows(_: &'static Declaration) -> Option<bool> {
        None
    }

    #[inline]
    pub(crate) const fn declare(_: &'static Declaration, _: &Registry) -> bool {
        false
    }

    #[inline]
    pub(crate) const fn keyed(_: &'static Declaration) -> Option<&'static KeyedBreaker> {
        None
    }
}

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::num::NonZeroU32;
use std::panic::Location;
use std::sync::Arc;

use once_cell::sync::Lazy;

pub use self::conflict::{Conflicts, RegisterError};
pub(crate) use self::declaration::Configure;
pub use self::declaration::Declaration;
pub use self::key::{Key, KeyText};
pub use self::keyed::KeyedBreaker;

use self::claim::{Claim, Origin};
use crate::breaker::{CircuitBreaker, Identity};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Conflict, Name};
use crate::event::{Event, Events, Hub, Listener, Subscription};
use crate::snapshot::Snapshot;
use crate::sync::{Mutex, MutexGuard, lock};

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
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Whether annotated functions register here.
    is_global: bool,
    clock: Clock,
    hub: Arc<Hub>,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_name: BTreeMap<Name, Entry>,
    conflicts: Vec<Conflict>,
}

struct Entry {
    kind: Kind,
    claim: Claim,
}

/// One circuit, or one for each key.
#[derive(Clone)]
enum Kind {
    Single(CircuitBreaker),
    Keyed(KeyedBreaker),
}

/// The most keys a breaker may have.
const MAX_KEYS: u32 = 1_000_000;

static GLOBAL: Lazy<Registry> = Lazy::new(|| Registry::of_functions(Clock::default()));

impl Registry {
    /// An empty registry of your own.
    #[must_use]
    pub fn new() -> Self {
        Self::of_owner(Clock::here())
    }

    /// An empty registry whose breakers read the time from `clock`, which only the test moves.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn with_clock(clock: &crate::clock::hand::Clock) -> Self {
        Self::of_owner(clock.for_breakers())
    }

    /// The registry of the attribute. A breaker appears in it when its function is first called;
    /// [`declared`](Self::declared) knows it before. In a scope of the feature `test-util` it is the registry
    /// of that scope.
    #[must_use]
    pub fn global() -> Self {
        scope::registry().unwrap_or_else(|| GLOBAL.clone())
    }

    /// What the attribute declares, for all functions of the binary, sorted by name: those of every crate
    /// that is linked into it, whether they are ever called or not. A crate that stands in Cargo.toml and that
    /// no code names is not linked; `use that_crate as _;` names it.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, Registry, circuit_breaker};
    ///
    /// #[circuit_breaker(name = "orders")]
    /// fn order(sku: &str) -> Result<u64, BreakerError> {
    ///     // the real call
    /// #   Ok(sku.len() as u64)
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

    fn of_functions(clock: Clock) -> Self {
        let shared = Shared { is_global: true, clock, ..Shared::default() };
        Self { shared: Arc::new(shared) }
    }

    fn of_owner(clock: Clock) -> Self {
        let shared = Shared { clock, ..Shared::default() };
        Self { shared: Arc::new(shared) }
    }

    /// The breaker of this name; makes it if there is none yet. To register a name again with the
    /// same settings gives the same breaker.
    ///
    /// # Errors
    ///
    /// If the name is empty or longer than 255 bytes, and if it was registered with other settings:
    /// the error names both places, and the breaker that is there stays as it is.
    #[track_caller]
    pub fn register(
        &self,
        name: impl Into<Cow<'static, str>>,
        config: Config,
    ) -> Result<CircuitBreaker, RegisterError> {
        let name = Name::new(name.into())?;
        let claim = by_hand(name, config, None, Location::caller());
        let (breaker, conflict) = self.declare_single(claim);
        self.conflicting(breaker, conflict)
    }

    /// The breaker of this name, with one circuit for each key, at most `max_keys` (1 to 1,000,000); makes
    /// it if there is none yet.
    ///
    /// # Errors
    ///
    /// If the name is empty or longer than 255 bytes, if `max_keys` is out of its range, and if the name was
    /// registered with other settings, another number of keys or without keys.
    #[track_caller]
    pub fn register_keyed(
        &self,
        name: impl Into<Cow<'static, str>>,
        config: Config,
        max_keys: u32,
    ) -> Result<KeyedBreaker, RegisterError> {
        let name = Name::new(name.into())?;
        let max_keys = checked_keys(max_keys)?;
        let claim = by_hand(name, config, Some(max_keys), Location::caller());
        let (breaker, conflict) = self.declare_keyed(claim, max_keys);
        self.conflicting(breaker, conflict)
    }

    /// The breaker of this name, if it has one circuit.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<CircuitBreaker> {
        match &self.entries().by_name.get(name)?.kind {
            Kind::Single(breaker) => Some(breaker.clone()),
            Kind::Keyed(_) => None,
        }
    }

    /// The breaker of this name, if it has one circuit for each key.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, Registry, State, circuit_breaker};
    ///
    /// #[circuit_breaker(name = "tenants", key = tenant)]
    /// fn price(tenant: &str) -> Result<u64, BreakerError> {
    ///     // the real call
    /// #   Ok(tenant.len() as u64)
    /// }
    ///
    /// assert_eq!(price("acme")?, 4);
    /// let tenants = Registry::global().get_keyed("tenants").unwrap();
    /// assert_eq!(tenants.find("acme").unwrap().state(), State::Closed);
    /// assert!(Registry::global().get("tenants").is_none()); // it has more than one circuit
    /// # Ok::<(), BreakerError>(())
    /// ```
    #[must_use]
    pub fn get_keyed(&self, name: &str) -> Option<KeyedBreaker> {
        match &self.entries().by_name.get(name)?.kind {
            Kind::Keyed(breaker) => Some(breaker.clone()),
            Kind::Single(_) => None,
        }
    }

    /// All breakers with one circuit, sorted by name, as of this moment.
    pub fn iter(&self) -> impl Iterator<Item = CircuitBreaker> + use<> {
        let kinds = self.kinds().into_iter();
        kinds.filter_map(|kind| match kind {
            Kind::Single(breaker) => Some(breaker),
            Kind::Keyed(_) => None,
        })
    }

    /// All breakers with one circuit for each key, sorted by name, as of this moment.
    pub fn iter_keyed(&self) -> impl Iterator<Item = KeyedBreaker> + use<> {
        let kinds = self.kinds().into_iter();
        kinds.filter_map(|kind| match kind {
            Kind::Keyed(breaker) => Some(breaker),
            Kind::Single(_) => None,
        })
    }

    /// Forces all circuits open that there are, see [`Operator::force_open`](crate::Operator::force_open).
    #[track_caller]
    pub fn force_open_all(&self) {
        for circuit in self.circuits() {
            circuit.force_open();
        }
    }

    /// Closes all circuits that there are, see [`Operator::force_close`](crate::Operator::force_close).
    #[track_caller]
    pub fn force_close_all(&self) {
        for circuit in self.circuits() {
            circuit.force_close();
        }
    }

    /// Resets all circuits that there are, see [`Operator::reset`](crate::Operator::reset).
    #[track_caller]
    pub fn reset_all(&self) {
        for circuit in self.circuits() {
            circuit.reset();
        }
    }

    /// Tells `listener` what happens to all breakers of this registry, for as long as what is returned lives.
    pub fn listen(&self, listener: impl Listener + 'static) -> Subscription {
        self.shared.hub.listen(listener)
    }

    /// What happens to all breakers of this registry from now on, for async code.
    #[must_use]
    pub fn subscribe(&self) -> Events {
        self.shared.hub.subscribe()
    }

    /// What all circuits look like, sorted by name, those of keys among them.
    #[must_use]
    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.circuits().map(|circuit| circuit.snapshot()).collect()
    }

    /// Whether all that was registered agrees; for the [global](Self::global) registry also what the
    /// attribute [declares](Self::declared), without a call. Let a test ask it, or your service when it has
    /// started.
    ///
    /// # Errors
    ///
    /// All names that were declared in two ways, with both places. Two functions that happen to have one
    /// path and no `name` are a conflict too, whatever their settings.
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
        let entries = self.entries();
        let mut conflicts = entries.conflicts.clone();
        if self.is_of_functions() {
            let declared = declaration::conflicts(&entries);
            conflicts.extend(declared.into_iter().filter(|it| !entries.conflicts.contains(it)));
        }
        Conflicts::if_any(conflicts)
    }

    /// Like `register`, but gives the breaker that is there even if the declarations conflict; if that has
    /// a circuit for each key and this one has not, one that is in no registry.
    pub(crate) fn declare_single(&self, claim: Claim) -> (CircuitBreaker, Option<Arc<Conflict>>) {
        let hub = Some(Arc::clone(&self.shared.hub));
        let identity = Identity::Alone { name: claim.name.clone(), hub };
        let breaker = CircuitBreaker::new_unchecked(identity, claim.settings.clone(), self.clock().clone());
        let entry = Entry { kind: Kind::Single(breaker.clone()), claim };
        match self.declare(entry) {
            (Kind::Single(breaker), conflict) => (breaker, conflict),
            (Kind::Keyed(_), conflict) => (breaker, conflict),
        }
    }

    /// The same for a breaker with one circuit for each key.
    pub(crate) fn declare_keyed(
        &self,
        claim: Claim,
        max_keys: NonZeroU32,
    ) -> (KeyedBreaker, Option<Arc<Conflict>>) {
        let hub = Some(Arc::clone(&self.shared.hub));
        let clock = self.clock().clone();
        let breaker = KeyedBreaker::new(claim.name.clone(), claim.settings.clone(), max_keys, clock, hub);
        let entry = Entry { kind: Kind::Keyed(breaker.clone()), claim };
        match self.declare(entry) {
            (Kind::Keyed(breaker), conflict) => (breaker, conflict),
            (Kind::Single(_), conflict) => (breaker, conflict),
        }
    }

    /// The entry that is there after this one was offered, and whether the two conflict.
    fn declare(&self, offered: Entry) -> (Kind, Option<Arc<Conflict>>) {
        let mut entries = self.entries();
        let Some(entry) = entries.by_name.get(&offered.claim.name) else {
            let kind = offered.kind.clone();
            entries.by_name.insert(offered.claim.name.clone(), offered);
            return (kind, None);
        };
        let kind = entry.kind.clone();
        let conflict = entry.claim.conflict(&offered.claim).map(Arc::new);
        entries.remember(conflict.as_deref());
        (kind, conflict)
    }

    /// Loudly, because no caller of an annotated function can be handed an error; but not by `eprintln!`,
    /// which panics where nobody can listen.
    pub(crate) fn warn(&self, conflict: &Arc<Conflict>) {
        _ = writeln!(std::io::stderr(), "warning: {conflict}");
        self.tell(conflict);
    }

    /// Tells the listeners of a conflict, under no lock and in nobody's initialisation.
    fn tell(&self, conflict: &Arc<Conflict>) {
        self.shared.hub.notify(&Event::Conflict(Arc::clone(conflict)));
    }

    fn conflicting<B>(&self, breaker: B, conflict: Option<Arc<Conflict>>) -> Result<B, RegisterError> {
        let Some(conflict) = conflict else {
            return Ok(breaker);
        };
        self.tell(&conflict);
        Err(RegisterError::Conflict(Conflict::clone(&conflict)))
    }

    /// The clock of all breakers here.
    pub(crate) fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    fn circuits(&self) -> impl Iterator<Item = CircuitBreaker> + use<> {
        self.kinds().into_iter().flat_map(|kind| match kind {
            Kind::Single(breaker) => vec![breaker],
            Kind::Keyed(breaker) => breaker.iter().collect(),
        })
    }

    fn kinds(&self) -> Vec<Kind> {
        self.entries().by_name.values().map(|entry| entry.kind.clone()).collect()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        lock(&self.shared.entries)
    }
}

fn by_hand(
    name: Name,
    config: Config,
    max_keys: Option<NonZeroU32>,
    place: &'static Location<'static>,
) -> Claim {
    Claim { name, settings: config.into(), max_keys, origin: Origin::Place(place) }
}

/// How many keys a breaker may have, checked.
pub(crate) const fn checked_keys(max_keys: u32) -> Result<NonZeroU32, ConfigError> {
    match NonZeroU32::new(max_keys) {
        Some(keys) if keys.get() <= MAX_KEYS => Ok(keys),
        _ => Err(ConfigError::new("max_keys must be between 1 and 1000000")),
    }
}

impl Entries {
    /// Once, however often the two places are asked.
    fn remember(&mut self, conflict: Option<&Conflict>) {
        if let Some(conflict) = conflict
            && !self.conflicts.contains(conflict)
        {
            self.conflicts.push(conflict.clone());
        }
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
        for kind in self.kinds() {
            match kind {
                Kind::Single(breaker) => names.entry(&breaker),
                Kind::Keyed(breaker) => names.entry(&breaker),
            };
        }
        names.finish()
    }
}
