//! One circuit for each key: a bad host must not cut off the good ones.
//!
//! A known key is looked up without a lock and without an allocation. A new one takes the lock of the
//! `Queue`, which remembers in which order keys came, and finds one to let go when there are too many.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use once_cell::race::OnceBox;

use crate::breaker::{CircuitBreaker, Identity, KeyGroup};
use crate::clock::Clock;
use crate::config::{Config, Name, Settings};
use crate::event::Hub;
use crate::snapshot::Snapshot;
use crate::sync::{Mutex, lock};
use crate::totals::Totals;

/// A circuit breaker that has one circuit for each key: host, tenant, shard. Clones are cheap and share
/// the circuits.
///
/// There are at most `max_keys` circuits. When a new key comes and there are as many, one is let go
/// that is idle (no call runs on it, nobody holds it), closed and without a failure to remember: it has nothing to
/// forget. Of several, one that was not used lately. It looks at 256 keys, and the next time at the next
/// ones; if none of them can go, the new key shares the [overflow](Self::overflow) circuit until one can, and
/// so does every key longer than 255 bytes. A circuit that is let go forgets its listeners and operators.
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
    shared: Arc<Shared>,
}

struct Shared {
    group: Arc<KeyGroup>,
    circuits: papaya::HashMap<Arc<str>, CircuitBreaker, foldhash::quality::RandomState>,
    max_keys: usize,
    queue: Mutex<Queue>,
    /// Held while settings are being applied: one after the other, to all circuits.
    applying: Mutex<()>,
    overflow: OnceBox<CircuitBreaker>,
    clock: Clock,
}

struct Queue {
    settings: Settings,
    /// The keys in the order in which they may be let go.
    keys: VecDeque<Seen>,
    /// Those that were let go and that somebody may still hold: their calls are still counted.
    gone: Vec<CircuitBreaker>,
}

/// A key, and how many calls its circuit had seen when somebody looked last.
struct Seen {
    key: Arc<str>,
    calls: u64,
}

/// So many keys are looked at to find one that may go; the next new key goes on where this one stopped.
const LOOKS: usize = 256;
const LONGEST_KEY: usize = 255;

impl KeyedBreaker {
    pub(super) fn new(
        name: Name,
        settings: Settings,
        max_keys: NonZeroU32,
        clock: Clock,
        hub: Option<Arc<Hub>>,
    ) -> Self {
        let queue = Queue { settings, keys: VecDeque::new(), gone: Vec::new() };
        Self {
            shared: Arc::new(Shared {
                group: Arc::new(KeyGroup::new(name, hub)),
                circuits: papaya::HashMap::with_hasher(foldhash::quality::RandomState::default()),
                max_keys: max_keys.get() as usize,
                queue: Mutex::new(queue),
                applying: Mutex::new(()),
                overflow: OnceBox::new(),
                clock,
            }),
        }
    }

    /// The circuit of this key; makes it if there is none yet.
    #[must_use]
    #[inline]
    pub fn get(&self, key: &str) -> CircuitBreaker {
        self.find(key).unwrap_or_else(|| self.add(key))
    }

    /// The circuit of this key, if it has one.
    #[must_use]
    #[inline]
    pub fn find(&self, key: &str) -> Option<CircuitBreaker> {
        self.shared.circuits.pin().get(key).cloned()
    }

    /// The circuit of all keys that found no room. It has no key of its own.
    #[must_use]
    pub fn overflow(&self) -> CircuitBreaker {
        if let Some(circuit) = self.shared.overflow.get() {
            return circuit.clone();
        }
        // Made under the lock, so that settings that are being applied reach it in one way or the other.
        let queue = lock(&self.shared.queue);
        let made = || Box::new(self.shared.circuit(None, queue.settings.clone()));
        self.shared.overflow.get_or_init(made).clone()
    }

    /// The name that all circuits share.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.group.name().as_str()
    }

    /// The settings that all circuits share.
    #[must_use]
    pub fn config(&self) -> Config {
        Config::clone(&self.settings())
    }

    /// How many circuits there may be.
    #[must_use]
    pub fn max_keys(&self) -> usize {
        self.shared.max_keys
    }

    /// How many circuits there are, without the overflow.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.circuits.pin().len()
    }

    /// Whether there is no circuit yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All circuits, the overflow last if it was ever needed, as of this moment.
    pub fn iter(&self) -> impl Iterator<Item = CircuitBreaker> + use<> {
        let mut circuits: Vec<_> = self.shared.circuits.pin().values().cloned().collect();
        circuits.extend(self.shared.overflow.get().cloned());
        circuits.into_iter()
    }

    /// What all circuits look like.
    #[must_use]
    pub fn snapshots(&self) -> Vec<Snapshot> {
        self.iter().map(|circuit| circuit.snapshot()).collect()
    }

    /// What all circuits look like together. What they count is added up, and circuits that are no more
    /// still count; state, times and transition are those of the worst one.
    ///
    /// ```
    /// use breaker_runtime::{Config, Registry, State};
    ///
    /// let shops = Registry::new().register_keyed("shop", Config::default(), 1000)?;
    /// shops.get("eu-1").force_open();
    /// shops.get("eu-2").call(|| Ok::<_, breaker_runtime::BreakerError>(1))?;
    ///
    /// let together = shops.snapshot();
    /// assert_eq!((together.name(), together.key()), ("shop", None));
    /// assert_eq!((together.state, together.totals.successes), (State::ForcedOpen, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let fresh = CircuitBreaker::new_unchecked(
            Identity::Alone { name: self.shared.group.name().clone(), hub: None },
            self.settings(),
            self.shared.clock.clone(),
        );
        // Under the lock no circuit goes from one place to another.
        let queue = lock(&self.shared.queue);
        let mut retired = self.shared.group.retired();
        for circuit in &queue.gone {
            retired.add(&circuit.snapshot());
        }
        let circuits = self.snapshots();
        drop(queue);
        Snapshot::combined(&fresh.snapshot(), &retired, &circuits)
    }

    /// How every call ended so far, on all circuits together, those that are no more among them.
    #[must_use]
    pub fn totals(&self) -> Totals {
        // Under the lock no circuit goes from one place to another.
        let queue = lock(&self.shared.queue);
        let mut sum = self.shared.group.retired().totals();
        for circuit in self.iter().chain(queue.gone.iter().cloned()) {
            sum.add(circuit.circuit().totals());
        }
        sum
    }

    /// All circuits, and those to come, obey other settings from now on, see
    /// [`CircuitBreaker::set_config`].
    pub fn set_config(&self, config: Config) {
        let settings = Settings::from(config);
        let _one_at_a_time = lock(&self.shared.applying);
        lock(&self.shared.queue).settings = settings.clone();
        self.iter().for_each(|circuit| circuit.circuit().set_config(settings.clone()));
    }

    pub(super) fn settings(&self) -> Settings {
        lock(&self.shared.queue).settings.clone()
    }

    #[cold]
    fn add(&self, key: &str) -> CircuitBreaker {
        if key.len() > LONGEST_KEY {
            return self.overflow();
        }
        // Before the lock, so that it is dropped after it.
        let _not_ours_to_drop;
        let mut queue = lock(&self.shared.queue);
        _not_ours_to_drop = queue.sweep();
        let circuits = self.shared.circuits.pin();
        if let Some(circuit) = circuits.get(key) {
            return circuit.clone();
        }
        if queue.keys.len() >= self.shared.max_keys && !queue.let_one_go(&self.shared) {
            drop(queue);
            return self.overflow();
        }
        let key: Arc<str> = Arc::from(key);
        let circuit = self.shared.circuit(Some(Arc::clone(&key)), queue.settings.clone());
        circuits.insert(Arc::clone(&key), circuit.clone());
        queue.keys.push_back(Seen { key, calls: 0 });
        circuit
    }
}

impl Shared {
    fn circuit(&self, key: Option<Arc<str>>, settings: Settings) -> CircuitBreaker {
        let identity = Identity::Member { group: Arc::clone(&self.group), key };
        CircuitBreaker::new_unchecked(identity, settings, self.clock.clone())
    }
}

impl Queue {
    /// Makes room. A call that comes in the very moment in which its circuit goes is counted in the totals
    /// and decides nothing.
    fn let_one_go(&mut self, shared: &Shared) -> bool {
        let circuits = shared.circuits.pin();
        let mut used_lately = None;
        for _ in 0..LOOKS.min(self.keys.len()) {
            let Some(mut seen) = self.keys.pop_front() else {
                break;
            };
            let may_go = circuits
                .get(&seen.key)
                .filter(|circuit| circuit.is_alone() && circuit.circuit().is_clean(&self.settings));
            if let Some(circuit) = may_go {
                let calls = circuit.circuit().totals().calls();
                if seen.calls == calls {
                    self.bury(&seen.key, shared);
                    return true;
                }
                seen.calls = calls;
                used_lately.get_or_insert_with(|| Arc::clone(&seen.key));
            }
            self.keys.push_back(seen);
        }
        let Some(key) = used_lately else {
            return false;
        };
        // It was put back just now, so it is not far from the end.
        if let Some(place) = self.keys.iter().rposition(|seen| seen.key == key) {
            self.keys.remove(place);
        }
        self.bury(&key, shared);
        true
    }

    fn bury(&mut self, key: &str, shared: &Shared) {
        self.gone.extend(shared.circuits.pin().remove(key).cloned());
    }

    /// Drops the circuits that nobody holds any more; those that hold a listener, which is not ours to drop
    /// under a lock, it hands back.
    fn sweep(&mut self) -> Vec<CircuitBreaker> {
        let free = self.gone.extract_if(.., |circuit| circuit.is_alone());
        free.filter(CircuitBreaker::has_listeners).collect()
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
