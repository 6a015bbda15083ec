//! A circuit breaker with one circuit per key, so that one failing host does not cut off the others.
//!
//! A known key is looked up without a lock and without an allocation. A new key takes the lock of [`KeyedState`],
//! which also finds a circuit to evict when there are too many.

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

/// A circuit breaker with one circuit per key, for example per host, tenant or shard. Clones are cheap and share the
/// circuits.
///
/// There are at most `max_keys` circuits. When a new key exceeds the limit, an idle circuit is evicted. A circuit is
/// idle if it is closed and remembers no failure, runs no call, and has no other handle, listener or settings of its
/// own. A circuit without recent calls is preferred. One attempt examines up to 256 keys, and the next attempt
/// continues after them. If none of them is idle, the new key uses the [overflow](Self::overflow) circuit until a
/// circuit can be evicted. Keys longer than 255 bytes always use the overflow circuit.
///
/// A key that returns after its eviction gets a new circuit. The [totals](Self::totals) keep the calls of evicted
/// circuits.
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
    state: Mutex<KeyedState>,
    /// Held while settings are applied, so that all circuits receive concurrent settings in the same order.
    set_config: Mutex<()>,
    overflow: OnceBox<CircuitBreaker>,
    clock: Clock,
}

/// The state that a new key needs.
struct KeyedState {
    settings: SharedConfig,
    queue: EvictionQueue,
}

/// Maximum length of a key with a circuit of its own, in bytes.
const MAX_KEY_LENGTH: usize = 255;
/// Largest value of `max_keys`.
const MAX_KEYS: u32 = 1_000_000;

/// Checks a number of keys.
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
        let state = KeyedState { settings, queue: EvictionQueue::default() };
        Self {
            shared: Arc::new(SharedCircuits {
                group: Arc::new(KeyGroup::new(name, Some(hub))),
                circuits: papaya::HashMap::with_hasher(foldhash::quality::RandomState::default()),
                max_keys: max_keys.get() as usize,
                state: Mutex::new(state),
                set_config: Mutex::new(()),
                overflow: OnceBox::new(),
                clock,
            }),
        }
    }

    /// Returns the circuit of `key`, and creates it if needed. Returns the [overflow](Self::overflow) circuit if the
    /// key is longer than 255 bytes, or if there are `max_keys` circuits and none can be evicted.
    #[must_use]
    #[inline]
    pub fn get(&self, key: &str) -> CircuitBreaker {
        self.find(key).unwrap_or_else(|| self.add(key))
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
        // Created under the lock, so that `set_config` either reaches the circuit or has changed the settings before.
        let state = lock(&self.shared.state);
        let create = || Box::new(self.shared.circuit(None, state.settings.clone()));
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

    /// Returns all circuits that exist now, in no particular order. The overflow circuit is last, if it was ever
    /// used.
    pub fn iter(&self) -> impl Iterator<Item = CircuitBreaker> + use<> {
        let mut circuits: Vec<_> = self.shared.circuits.pin().values().cloned().collect();
        circuits.extend(self.shared.overflow.get().cloned());
        circuits.into_iter()
    }

    /// Returns a snapshot of each circuit, in the order of [`iter`](Self::iter).
    #[must_use]
    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.iter().map(|circuit| circuit.snapshot()).collect()
    }

    /// Returns one snapshot that combines all circuits. Counts are sums and include evicted circuits. The state, the
    /// times and the last transition are those of the circuit in the worst state.
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
        let fresh = CircuitBreaker::new_unchecked(
            Identity::Alone { name: self.shared.group.name().clone(), hub: None },
            self.settings(),
            self.shared.clock.clone(),
        );
        // No circuit is evicted while the lock is held, so each is counted once.
        let state = lock(&self.shared.state);
        let mut retired = self.shared.group.retired();
        for circuit in state.queue.evicted() {
            retired.add(&circuit.snapshot());
        }
        let circuits = self.snapshots();
        drop(state);
        Snapshot::combined(&fresh.snapshot(), &retired, &circuits)
    }

    /// Returns the number of calls by outcome, summed over all circuits including evicted ones.
    #[must_use]
    pub fn totals(&self) -> Totals {
        // No circuit is evicted while the lock is held, so each is counted once.
        let state = lock(&self.shared.state);
        let mut sum = self.shared.group.retired().totals();
        for circuit in self.iter().chain(state.queue.evicted().iter().cloned()) {
            sum.add(circuit.circuit().totals());
        }
        sum
    }

    /// Changes the settings of all existing and future circuits, see [`CircuitBreaker::set_config`].
    pub fn set_config(&self, config: Config) {
        let settings = SharedConfig::from(config);
        let _one_at_a_time = lock(&self.shared.set_config);
        lock(&self.shared.state).settings = settings.clone();
        self.iter().for_each(|circuit| circuit.circuit().set_config(settings.clone()));
    }

    pub(super) fn settings(&self) -> SharedConfig {
        lock(&self.shared.state).settings.clone()
    }

    #[cold]
    fn add(&self, key: &str) -> CircuitBreaker {
        if key.len() > MAX_KEY_LENGTH {
            return self.overflow();
        }
        // Declared before the lock, so that it is dropped after the lock is released.
        let _with_listeners;
        let mut state = lock(&self.shared.state);
        let KeyedState { settings, queue } = &mut *state;
        _with_listeners = queue.drop_idle_evicted();
        let circuits = self.shared.circuits.pin();
        if let Some(circuit) = circuits.get(key) {
            return circuit.clone();
        }
        if queue.len() >= self.shared.max_keys && !queue.try_evict(&self.shared.circuits, settings) {
            drop(state);
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
