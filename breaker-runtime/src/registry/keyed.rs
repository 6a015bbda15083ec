//! A circuit breaker with one circuit per key, so that one failing host does not affect the others.
//!
//! A known key is looked up without a lock and without an allocation. A new key locks [`KeyTable`], whose
//! queue also selects a circuit to evict. A call of an annotated function holds its circuit without a handle; see
//! `sync/holds.rs`.

mod gates;
mod live_settings;
mod preview;
mod removal;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use once_cell::race::OnceBox;

use super::breaker_settings::BreakerSettings;
use super::census::Census;
use super::circuit_map::{CircuitMap, Lookup};
use super::context::RegistryContext;
use super::held_circuit::HeldCircuit;
use super::key::MAX_KEY_BYTES;
use super::key_table::{Evicted, KeyTable};
use super::taps::RegistryTaps;
use crate::breaker::{CircuitBreaker, Gate, Identity, Idleness, KeyGroup};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Name, SharedConfig};
use crate::event::{Event, Eviction, Hub};
use crate::snapshot::{Combination, CumulativeParts, Snapshot};
use crate::sync::{AtomicU32, Mutex, MutexGuard, Ordering, lock, try_lock};
use crate::totals::Totals;

/// A circuit breaker with one circuit per key, for example per host, tenant or shard. Clones are cheap and
/// share the circuits.
///
/// There are at most `max_keys` circuits. When a new key exceeds the limit, an idle circuit is *evicted*: its
/// key gets a new circuit when it is used again. A circuit can be idle while it has no other handle, runs no
/// call, has no listener, and has no settings of its own from [`CircuitBreaker::set_config`]. Circuits are
/// evicted in this order:
///
/// 1. closed circuits without a failure or a slow call that a rule counts, first those without recent calls;
/// 2. closed circuits whose last failure or slow call is at least `recovery_timeout` old;
/// 3. open circuits for which no call has arrived for ten recovery timeouts since a trial call was due, and half-open ones
///    for which none has arrived for as long since the last trial call ended, the longest unused first. [`Event::Evicted`]
///    reports them.
///
/// Every other circuit stays: a closed one with recent failures, any other open or half-open one, and one that is forced
/// open or disabled. [`remove`](Self::remove) and [`retain`](Self::retain) remove it. The order is exact for up to 16
/// circuits. With more, one search examines up to 1,024 circuits and can serve several new keys.
///
/// If no circuit can be evicted, the new key uses the [overflow](Self::overflow) circuit until another circuit is
/// evicted or removed. Each call of such a key examines a few circuits only and waits for no other call. Keys longer
/// than 255 bytes always use the overflow circuit.
///
/// On Linux, evictions use the system call `membarrier`. If a sandbox refuses it after the first call with a key, no
/// circuit is evicted for one second, and each call with a key executes a memory fence from then on.
///
/// With [`max_open`](crate::ConfigBuilder::max_open), at most a share of the circuits rejects calls at the same time.
///
/// The [totals](Self::totals) include the calls of evicted and removed circuits. The number of circuits does not change
/// the time of a call, on average for new keys; `remove` and all methods that use all circuits are linear in it.
///
/// ```
/// use breaker_runtime::{Config, Registry, State};
///
/// let shops = Registry::new().register_keyed("shop", Config::default(), 1000)?;
/// shops.get("eu-1").force_open();
/// assert_eq!(shops.get("eu-2").state(), State::Closed);
/// assert!(shops.find("eu-3").is_none()); // `find` creates no circuit
/// assert_eq!(shops.overflow().key(), None); // the circuit of keys that get none of their own
///
/// let open = shops.iter().filter(|shop| shop.state() == State::ForcedOpen);
/// assert!(open.map(|shop| shop.key().map(str::to_owned)).eq([Some("eu-1".to_owned())]));
/// assert_eq!(shops.snapshots().len(), 3);
/// # Ok::<(), breaker_runtime::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct KeyedBreaker {
    shared: Arc<SharedCircuits>,
}

/// The state that all clones share.
struct SharedCircuits {
    group: Arc<KeyGroup>,
    /// The listeners of its registry.
    hub: Arc<Hub>,
    /// The taps of its registry.
    taps: Arc<RegistryTaps>,
    circuits: CircuitMap,
    max_keys: usize,
    table: Mutex<KeyTable>,
    /// 1 while no circuit can be evicted for a new key, otherwise 0. A hint that is read without the lock.
    is_full: AtomicU32,
    /// Locked while settings are applied, so that all circuits receive concurrent settings in the same order.
    config_order: Mutex<()>,
    census: Census,
    overflow: OnceBox<CircuitBreaker>,
    clock: Clock,
}

/// The result of a request for a new circuit.
struct NewCircuit {
    /// `None` if no circuit can be evicted.
    circuit: Option<CircuitBreaker>,
    /// Set if an open circuit was evicted.
    eviction: Option<Eviction>,
    /// Circuits that are dropped without the lock.
    dropped: Vec<CircuitBreaker>,
}

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
        settings: BreakerSettings,
        max_keys: NonZeroU32,
        RegistryContext { clock, hub, taps }: RegistryContext,
    ) -> Self {
        let (circuits, map) = CircuitMap::new();
        Self {
            shared: Arc::new(SharedCircuits {
                group: Arc::new(KeyGroup::new(name, settings.all.max_open())),
                hub,
                taps,
                circuits,
                max_keys: max_keys.get() as usize,
                table: Mutex::new(KeyTable::new(settings, map)),
                is_full: AtomicU32::new(0),
                config_order: Mutex::new(()),
                census: Census::default(),
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
        match self.shared.circuits.get(key) {
            Lookup::Found(circuit) => Some(circuit),
            Lookup::Absent => None,
            Lookup::Undecided => self.find_under_lock(key),
        }
    }

    /// Returns the circuit of `key` like [`get`](Self::get), for one call of a function. The breaker is never dropped.
    #[inline(never)]
    pub(crate) fn circuit_for_call(&'static self, key: &str) -> HeldCircuit {
        match self.shared.circuits.hold(key) {
            Some(circuit) => circuit,
            None => self.counted(key),
        }
    }

    /// Returns the circuit of `key` with a counted handle.
    #[cold]
    #[inline(never)]
    fn counted(&self, key: &str) -> HeldCircuit {
        HeldCircuit::counted(self.get(key))
    }

    /// Returns the circuit that all keys without a circuit of their own share. Its
    /// [`key`](CircuitBreaker::key) is `None`.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry};
    ///
    /// let shops = Registry::new().register_keyed("shop", Config::default(), 1)?;
    /// let (known, unknown) = (shops.get("eu-1"), shops.get("eu-2")); // the handle keeps the circuit
    /// assert_eq!((known.key(), unknown.key()), (Some("eu-1"), shops.overflow().key()));
    /// # Ok::<(), breaker_runtime::RegisterError>(())
    /// ```
    #[must_use]
    pub fn overflow(&self) -> CircuitBreaker {
        if let Some(circuit) = self.shared.overflow.get() {
            return circuit.clone();
        }
        // Created under the lock, so that `set_config` either reaches the circuit or has already changed the
        // settings.
        let table = lock(&self.shared.table);
        let create = || {
            self.shared.group.open_limit().add_key();
            Box::new(self.shared.circuit(None, table.settings.all.clone(), table.gate.as_ref()))
        };
        let circuit = self.shared.overflow.get_or_init(create).clone();
        drop(table);
        self.shared.taps.attach_to(circuit.circuit());
        circuit
    }

    /// Returns the name that all circuits share.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.group.name().as_str()
    }

    /// Returns the settings that all circuits share.
    #[must_use]
    pub fn config(&self) -> Config {
        Config::clone(&self.settings().all)
    }

    /// Returns the maximum number of circuits, not counting the overflow circuit.
    #[must_use]
    pub fn max_keys(&self) -> usize {
        self.shared.max_keys
    }

    /// Returns the number of circuits, not counting the overflow circuit.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.circuits.len()
    }

    /// Returns `true` if no key has a circuit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns all circuits that exist now, in no particular order except that the overflow circuit is last
    /// if it has been used.
    pub fn iter(&self) -> impl Iterator<Item = CircuitBreaker> + use<> {
        let mut circuits = self.circuits_of_keys();
        circuits.extend(self.shared.overflow.get().cloned());
        circuits.into_iter()
    }

    /// Calls `visit` for each circuit, in the order of [`iter`](Self::iter). Unlike `iter`, it holds no handles, so it
    /// does not keep circuits from being evicted meanwhile.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&CircuitBreaker)) {
        if !self.shared.circuits.for_each(&mut visit) {
            self.circuits_of_keys().iter().for_each(&mut visit);
        }
        self.shared.overflow.get().into_iter().for_each(visit);
    }

    /// Returns a snapshot of each circuit, in no particular order except that the overflow circuit is last. A key whose
    /// circuit is evicted or removed meanwhile can have two: one of its former circuit and one of the new one.
    #[must_use]
    pub fn snapshots(&self) -> Vec<Snapshot> {
        let mut snapshots = Vec::with_capacity(self.len());
        self.for_each(|circuit| snapshots.push(circuit.snapshot()));
        snapshots
    }

    /// Returns one snapshot that combines all circuits.
    ///
    /// `totals`, `shadow_rejections`, `waived_rejections`, `durations`, `changes` and `time_open` are sums and include
    /// evicted and removed circuits. `window`, `trials_in_flight` and `calls_in_flight` are sums over the existing
    /// circuits. `keys` counts the keys in each state, and `critical` is the setting of the breaker. All other fields
    /// are those of the worst circuit.
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
    /// assert_eq!(combined.totals, shops.totals());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.combine(&mut Combination::new(1))
    }

    /// Returns the number of calls by outcome, summed over all circuits including evicted and removed ones.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut sum = Totals::default();
        let removed = self.count(|circuit| {
            sum.add(circuit.circuit().totals());
            Duration::ZERO
        });
        sum.add(removed.totals());
        sum
    }

    /// Adds all circuits to `combination`, and returns one snapshot for all of them.
    pub(crate) fn combine(&self, combination: &mut Combination) -> Snapshot {
        let unused = CircuitBreaker::new_unchecked(
            Identity::Alone { name: self.shared.group.name().clone() },
            self.settings().all,
            self.shared.clock.clone(),
        );
        let removed = self.count(|circuit| {
            let snapshot = circuit.snapshot();
            let time_open = snapshot.time_open;
            combination.add(snapshot);
            time_open
        });
        let combined = combination.finish(&unused.snapshot(), &removed);
        Snapshot { drill: self.drill().or(combined.drill), ..combined }
    }

    /// Returns `true` if `same` is a handle of the same breaker and there are `handles` of it.
    #[allow(dead_code, reason = "only the scopes of tests count handles")]
    pub(super) fn has_handles(&self, same: &Self, handles: usize) -> bool {
        Arc::ptr_eq(&self.shared, &same.shared) && Arc::strong_count(&self.shared) == handles
    }

    pub(super) fn settings(&self) -> BreakerSettings {
        lock(&self.shared.table).settings.clone()
    }

    /// Calls `visit` for each circuit without the lock of the table, and returns the sum of the removed circuits
    /// that it did not visit. `visit` returns the open time that it counted.
    fn count(&self, visit: impl FnMut(&CircuitBreaker) -> Duration) -> CumulativeParts {
        let SharedCircuits { census, table, circuits, .. } = &*self.shared;
        census.take(table, circuits, |each| self.for_each(each), visit)
    }

    /// Returns the circuit of `key`, if it exists. Waits until no eviction runs.
    #[cold]
    fn find_under_lock(&self, key: &str) -> Option<CircuitBreaker> {
        let table = lock(&self.shared.table);
        self.shared.circuits.get_locked(&table.map, key)
    }

    /// Returns all circuits except the overflow circuit.
    fn circuits_of_keys(&self) -> Vec<CircuitBreaker> {
        let circuits = &self.shared.circuits;
        let all = circuits.all(|key| self.find_under_lock(key));
        all.unwrap_or_else(|| lock(&self.shared.table).map.all())
    }

    /// Creates the circuit of a key, and evicts another one if there are too many.
    #[cold]
    fn create(&self, key: &str) -> CircuitBreaker {
        let shared = &self.shared;
        if key.len() > MAX_KEY_BYTES {
            return self.overflow();
        }
        let Some(mut table) = shared.table_for_new_key() else {
            return self.overflow();
        };
        let NewCircuit { circuit, eviction, dropped } = shared.create(key, &mut table);
        shared.is_full.store(u32::from(table.queue.is_full()), Ordering::Relaxed);
        drop(table);
        for circuit in &dropped {
            circuit.circuit().end_own_gate();
        }
        // Dropping a circuit drops its listeners, and they must not run under the lock either.
        drop(dropped);
        if let Some(eviction) = eviction {
            shared.hub.notify(&Event::Evicted(eviction));
        }
        let Some(circuit) = circuit else {
            return self.overflow();
        };
        shared.taps.attach_to(circuit.circuit());
        circuit
    }
}

impl SharedCircuits {
    /// Locks the table. While no circuit can be evicted, calls with new keys do not wait for each other.
    fn table_for_new_key(&self) -> Option<MutexGuard<'_, KeyTable>> {
        match self.is_full.load(Ordering::Relaxed) {
            0 => Some(lock(&self.table)),
            _ => try_lock(&self.table),
        }
    }

    /// Returns the circuit of a key that had none, unless no circuit can be evicted.
    fn create(&self, key: &str, table: &mut KeyTable) -> NewCircuit {
        let mut new = NewCircuit {
            circuit: self.circuits.get_locked(&table.map, key),
            eviction: None,
            dropped: Vec::new(),
        };
        if new.circuit.is_some() {
            return new;
        }
        if table.queue.len() >= self.max_keys {
            let now = self.clock.coarse_now();
            let Some(Evicted { circuit, idleness, unheld }) = table.evict(&self.circuits, now) else {
                return new;
            };
            if let Idleness::Abandoned { due } = idleness {
                let id = circuit.circuit().id();
                new.eviction = Some(Eviction::new(id, circuit.state(), now.since(due)));
            }
            new.dropped = unheld;
            new.dropped.push(circuit);
        } else {
            self.group.open_limit().add_key();
        }
        let circuit =
            self.circuit(Some(Arc::from(key)), table.settings.of(Some(key)).clone(), table.gate.as_ref());
        table.insert(&self.circuits, key, circuit.clone());
        new.circuit = Some(circuit);
        new
    }

    fn circuit(
        &self,
        key: Option<Arc<str>>,
        settings: SharedConfig,
        gate: Option<&Arc<Gate>>,
    ) -> CircuitBreaker {
        let identity = Identity::member(Arc::clone(&self.group), key);
        let hub = Arc::clone(&self.hub);
        let circuit =
            CircuitBreaker::in_registry(identity, settings, self.clock.clone(), hub).with_gate(gate);
        // No other thread finds the circuit yet, so its taps see the first call.
        self.taps.attach_to(circuit.circuit());
        circuit
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

#[cfg(test)]
mod tests;
