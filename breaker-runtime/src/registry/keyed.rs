//! A circuit breaker with one circuit per key, so that one failing host does not affect the others.
//!
//! A known key is looked up without a lock and without an allocation. A new key locks [`KeyTable`], whose
//! queue also selects a circuit to evict.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use once_cell::race::OnceBox;

use super::eviction::{CircuitMap, EvictionQueue};
use crate::breaker::{CircuitBreaker, Identity, KeyGroup};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Name, SharedConfig};
use crate::event::Hub;
use crate::snapshot::Snapshot;
use crate::sync::{Mutex, lock};
use crate::totals::Totals;

/// A circuit breaker with one circuit per key, for example per host, tenant or shard. Clones are cheap and
/// share the circuits.
///
/// There are at most `max_keys` circuits. When a new key exceeds the limit, an idle circuit is evicted. It is
/// idle if it is closed without recorded failures, runs no call, and has no other handle, no listener and no
/// settings of its own. A circuit without recent calls is preferred. One attempt examines up to 256 keys, and
/// the next attempt continues after them. If none of them is idle, the new key uses the
/// [overflow](Self::overflow) circuit until a circuit can be evicted. Keys longer than 255 bytes always use
/// the overflow circuit.
///
/// A key that is used again after its eviction gets a new circuit. The [totals](Self::totals) include the
/// calls of evicted circuits.
///
/// ```
/// use breaker_runtime::{Config, Registry, State};
///
/// let breakers = Registry::new().register_keyed("shop", Config::default(), 1000)?;
/// breakers.get("eu-1").force_open();
/// assert_eq!(breakers.get("eu-2").state(), State::Closed);
/// assert_eq!(breakers.get("eu-1").key(), Some("eu-1"));
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct KeyedBreaker {
    shared: Arc<SharedCircuits>,
}

/// The state that all clones share.
struct SharedCircuits {
    group: Arc<KeyGroup>,
    circuits: CircuitMap,
    max_keys: usize,
    table: Mutex<KeyTable>,
    /// Locked while settings are applied, so that all circuits receive concurrent settings in the same order.
    config_order: Mutex<()>,
    overflow: OnceBox<CircuitBreaker>,
    clock: Clock,
}

/// The part of a keyed breaker that changes when a key is added.
struct KeyTable {
    settings: SharedConfig,
    queue: EvictionQueue,
}

/// Maximum length of a key with a circuit of its own, in bytes.
const MAX_KEY_BYTES: usize = 255;
/// Largest value of `max_keys`.
const MAX_KEYS: u32 = 1_000_000;

/// Returns `max_keys` if it is in range.
pub(crate) const fn checked_keys(max_keys: u32) -> Result<NonZeroU32, ConfigError> {
    match NonZeroU32::new(max_keys) {
        Some(keys) if keys.get() <= MAX_KEYS => Ok(keys),
        _ => Err(ConfigError::new("max_keys must be between 1 and 1000000")),
    }
}

impl KeyedBreaker {
    pub(super) fn new(
        name: Name,
        settings: SharedConfig,
        max_keys: NonZeroU32,
        clock: Clock,
        hub: Arc<Hub>,
    ) -> Self {
        let table = KeyTable { settings, queue: EvictionQueue::default() };
        Self {
            shared: Arc::new(SharedCircuits {
                group: Arc::new(KeyGroup::new(name, Some(hub))),
                circuits: papaya::HashMap::with_hasher(foldhash::quality::RandomState::default()),
                max_keys: max_keys.get() as usize,
                table: Mutex::new(table),
                config_order: Mutex::new(()),
                overflow: OnceBox::new(),
                clock,
            }),
        }
    }

    /// Returns the circuit of `key`, and creates it if needed. Returns the [overflow](Self::overflow) circuit
    /// if the key is longer than 255 bytes, or if there are `max_keys` circuits and none can be evicted.
    #[must_use]
    #[inline]
    pub fn get(&self, key: &str) -> CircuitBreaker {
        self.find(key).unwrap_or_else(|| self.create(key))
    }

    /// Returns the circuit of `key`, if it exists.
    #[must_use]
    #[inline]
    pub fn find(&self, key: &str) -> Option<CircuitBreaker> {
        self.shared.circuits.pin().get(key).cloned()
    }

    /// Returns the circuit that all keys without a circuit of their own share. Its
    /// [`key`](CircuitBreaker::key) is `None`.
    #[must_use]
    pub fn overflow(&self) -> CircuitBreaker {
        if let Some(circuit) = self.shared.overflow.get() {
            return circuit.clone();
        }
        // Created under the lock, so that `set_config` either reaches the circuit or has already changed the
        // settings.
        let table = lock(&self.shared.table);
        let create = || Box::new(self.shared.circuit(None, table.settings.clone()));
        self.shared.overflow.get_or_init(create).clone()
    }

    /// Returns the name that all circuits share.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.group.name().as_str()
    }

    /// Returns the settings that all circuits share.
    #[must_use]
    pub fn config(&self) -> Config {
        Config::clone(&self.settings())
    }

    /// Returns the maximum number of circuits, not counting the overflow circuit.
    #[must_use]
    pub fn max_keys(&self) -> usize {
        self.shared.max_keys
    }

    /// Returns the number of circuits, not counting the overflow circuit.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.circuits.pin().len()
    }

    /// Returns `true` if no key has a circuit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns all circuits that exist now, in no particular order except that the overflow circuit is last
    /// if it has been used.
    pub fn iter(&self) -> impl Iterator<Item = CircuitBreaker> + use<> {
        let mut circuits: Vec<_> = self.shared.circuits.pin().values().cloned().collect();
        circuits.extend(self.shared.overflow.get().cloned());
        circuits.into_iter()
    }

    /// Calls `visit` for each circuit, in the order of [`iter`](Self::iter). Other than that, it holds no handle, so
    /// it does not keep circuits from being evicted meanwhile.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&CircuitBreaker)) {
        self.shared.circuits.pin().values().for_each(&mut visit);
        self.shared.overflow.get().into_iter().for_each(visit);
    }

    /// Returns a snapshot of each circuit, in the order of [`iter`](Self::iter).
    #[must_use]
    pub fn snapshots(&self) -> Vec<Snapshot> {
        let mut snapshots = Vec::with_capacity(self.len());
        self.for_each(|circuit| snapshots.push(circuit.snapshot()));
        snapshots
    }

    /// Returns one snapshot that combines all circuits.
    ///
    /// `totals`, `shadow_rejections`, `durations`, `changes` and `time_open` are sums and include evicted
    /// circuits. `window`, `trials_in_flight` and `calls_in_flight` are sums over the existing circuits. All
    /// other fields are those of the circuit in the worst state.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry, State};
    ///
    /// let shops = Registry::new().register_keyed("shop", Config::default(), 1000)?;
    /// shops.get("eu-1").force_open();
    /// shops.get("eu-2").call(|| Ok::<_, breaker_runtime::BreakerError>(1))?;
    ///
    /// let combined = shops.snapshot();
    /// assert_eq!((combined.name(), combined.key()), ("shop", None));
    /// assert_eq!((combined.state, combined.totals.successes), (State::ForcedOpen, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let unused = CircuitBreaker::new_unchecked(
            Identity::Alone { name: self.shared.group.name().clone(), hub: None },
            self.settings(),
            self.shared.clock.clone(),
        );
        // No circuit is evicted while the lock is held, so each is counted once.
        let table = lock(&self.shared.table);
        let mut evicted = self.shared.group.retired();
        for circuit in table.queue.evicted() {
            evicted.add(&circuit.snapshot());
        }
        let circuits = self.snapshots();
        drop(table);
        Snapshot::combined(&unused.snapshot(), &evicted, &circuits)
    }

    /// Returns the number of calls by outcome, summed over all circuits including evicted ones.
    #[must_use]
    pub fn totals(&self) -> Totals {
        // As in `snapshot`, the lock prevents evictions.
        let table = lock(&self.shared.table);
        let mut sum = self.shared.group.retired().totals();
        for circuit in self.iter().chain(table.queue.evicted().iter().cloned()) {
            sum.add(circuit.circuit().totals());
        }
        sum
    }

    /// Changes the settings of all existing and future circuits; see [`CircuitBreaker::set_config`].
    pub fn set_config(&self, config: Config) {
        let settings = SharedConfig::from(config);
        let _order = lock(&self.shared.config_order);
        lock(&self.shared.table).settings = settings.clone();
        self.iter().for_each(|circuit| circuit.circuit().set_config(settings.clone()));
    }

    pub(super) fn settings(&self) -> SharedConfig {
        lock(&self.shared.table).settings.clone()
    }

    /// Creates the circuit of a key, and evicts another one if there are too many.
    #[cold]
    fn create(&self, key: &str) -> CircuitBreaker {
        if key.len() > MAX_KEY_BYTES {
            return self.overflow();
        }
        // Declared before the lock, so that it is dropped after the lock is released.
        let _dropped_after_unlock;
        let mut table = lock(&self.shared.table);
        let KeyTable { settings, queue } = &mut *table;
        _dropped_after_unlock = queue.drop_idle_evicted();
        let circuits = self.shared.circuits.pin();
        if let Some(circuit) = circuits.get(key) {
            return circuit.clone();
        }
        if queue.len() >= self.shared.max_keys && !queue.try_evict(&self.shared.circuits, settings) {
            drop(table);
            return self.overflow();
        }
        let key: Arc<str> = Arc::from(key);
        let circuit = self.shared.circuit(Some(Arc::clone(&key)), settings.clone());
        circuits.insert(Arc::clone(&key), circuit.clone());
        queue.push(key);
        circuit
    }
}

impl SharedCircuits {
    fn circuit(&self, key: Option<Arc<str>>, settings: SharedConfig) -> CircuitBreaker {
        let identity = Identity::Member { group: Arc::clone(&self.group), key };
        CircuitBreaker::new_unchecked(identity, settings, self.clock.clone())
    }
}

impl fmt::Debug for KeyedBreaker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("KeyedBreaker")
            .field("name", &self.name())
            .field("keys", &self.len())
            .field("max_keys", &self.max_keys())
            .finish_non_exhaustive()
    }
}
