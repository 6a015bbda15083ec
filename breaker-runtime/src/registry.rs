//! Name to breaker. One registry is global and serves the attribute; others are for those who want
//! their own. Its lock is taken when a breaker is registered, looked up or listed, never by a call.

mod conflict;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use once_cell::sync::Lazy;

pub use self::conflict::{Conflict, Conflicts, RegisterError};

use crate::breaker::CircuitBreaker;
use crate::clock::Clock;
use crate::config::{Config, Name};
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
#[derive(Clone, Default)]
pub struct Registry {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    clock: Clock,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    by_name: BTreeMap<Name, Entry>,
    conflicts: Vec<Conflict>,
}

struct Entry {
    breaker: CircuitBreaker,
    declared: Declared,
}

/// Where a breaker was declared, and whether its author chose the name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Declared {
    pub(crate) place: &'static Location<'static>,
    pub(crate) naming: Naming,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Two places may choose one name on purpose.
    Chosen,
    /// Made from the path of a function. Each function declares itself once, so a second one of the same
    /// name is another function, and nobody meant them to share a circuit.
    Derived,
}

static GLOBAL: Lazy<Registry> = Lazy::new(Registry::new);

impl Registry {
    /// An empty registry of your own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty registry whose breakers read the time from `clock`, which only the test moves.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn with_clock(clock: &crate::testing::Clock) -> Self {
        let shared = Shared { clock: clock.for_breakers(), entries: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// The registry of the attribute. A breaker appears in it when its function is first called.
    #[must_use]
    pub fn global() -> &'static Self {
        &GLOBAL
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
        let declared = Declared { place: Location::caller(), naming: Naming::Chosen };
        let (breaker, conflict) = self.declare(name, config, declared);
        conflict.map_or(Ok(breaker), |conflict| Err(RegisterError::Conflict(conflict)))
    }

    /// The breaker of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<CircuitBreaker> {
        self.entries().by_name.get(name).map(|entry| entry.breaker.clone())
    }

    /// All breakers, sorted by name, as of this moment.
    pub fn iter(&self) -> impl Iterator<Item = CircuitBreaker> + use<> {
        let breakers: Vec<_> = self.entries().by_name.values().map(|entry| entry.breaker.clone()).collect();
        breakers.into_iter()
    }

    /// What all breakers look like, sorted by name.
    #[must_use]
    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.iter().map(|breaker| breaker.snapshot()).collect()
    }

    /// Whether all declarations so far agree; call it when your service has started.
    ///
    /// # Errors
    ///
    /// All names that were declared in two ways, with both places.
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
        Conflicts::if_any(self.entries().conflicts.clone())
    }

    /// Like `register`, but gives the breaker that is there even if the declarations conflict.
    pub(crate) fn declare(
        &self,
        name: Name,
        config: Config,
        declared: Declared,
    ) -> (CircuitBreaker, Option<Conflict>) {
        let mut entries = self.entries();
        if let Some(entry) = entries.by_name.get(&name) {
            let breaker = entry.breaker.clone();
            let conflict = entry.conflict(&config, declared);
            entries.remember(conflict.as_ref());
            return (breaker, conflict);
        }
        let breaker = CircuitBreaker::with_clock(name.clone(), config, self.shared.clock.clone());
        entries.by_name.insert(name, Entry { breaker: breaker.clone(), declared });
        (breaker, None)
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        lock(&self.shared.entries)
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

impl Entry {
    fn conflict(&self, config: &Config, second: Declared) -> Option<Conflict> {
        let first = self.declared;
        let by_accident = first.naming == Naming::Derived && second.naming == Naming::Derived;
        let agree = self.breaker.config() == config && !by_accident;
        (!agree).then(|| Conflict::new(self.breaker.name(), first.place, second.place))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.iter()).finish()
    }
}
