//! The circuits of one keyed breaker by key. A lookup takes no lock and does not allocate.
//!
//! Two types of guards protect the map. The usual one has a thread-local value, which a thread destroys before
//! it ends. Destructors of other thread-local values may run later and use a breaker; the usual guard would
//! panic there, and a panic in such a destructor aborts the process. Therefore [`Lifetime`] is registered after
//! the value of the guard and is destroyed before it. From then on this thread only reads the map, with an
//! owned guard, which has no thread-local value.
//!
//! A circuit is evicted only if no caller holds it, although a lookup takes no lock: [`CircuitMap::remove_if`]
//! marks the circuit before it counts the handles, and a lookup reads the mark after it has cloned the handle.
//! So either the count contains the handle, or the lookup finds the mark and is repeated under the lock of the
//! owner, which the eviction holds.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::sync::Arc;

use crate::breaker::CircuitBreaker;
use crate::sync::{AtomicU32, Ordering, fence};

/// The circuits by key.
pub(super) struct CircuitMap {
    map: papaya::HashMap<Arc<str>, MappedCircuit, foldhash::quality::RandomState>,
}

/// The result of a lookup.
pub(super) enum Lookup {
    Found(CircuitBreaker),
    Absent,
    /// An eviction is checking whether the circuit is idle. The lookup must be repeated under the lock that the
    /// eviction holds.
    Undecided,
}

/// A circuit, and the mark of an eviction.
struct MappedCircuit {
    circuit: CircuitBreaker,
    /// 1 while an eviction checks whether the circuit is idle and once it is removed, otherwise 0.
    mark: AtomicU32,
}

/// A part of the life of a thread.
#[derive(Clone, Copy)]
enum ThreadPhase {
    /// It has used no map so far.
    New,
    Running,
    /// It destroys its thread-local values, or has destroyed them.
    Ending,
}

/// Its destructor ends the phase [`ThreadPhase::Running`].
struct Lifetime;

thread_local! {
    // No destructor, so it can always be read.
    static PHASE: Cell<ThreadPhase> = const { Cell::new(ThreadPhase::New) };
    static LIFETIME: Lifetime = const { Lifetime };
}

impl CircuitMap {
    pub(super) fn new() -> Self {
        Self { map: papaya::HashMap::with_hasher(foldhash::quality::RandomState::default()) }
    }

    /// Looks up the circuit of `key`.
    #[inline]
    pub(super) fn get(&self, key: &str) -> Lookup {
        if self.is_writable() {
            self.map.pin().get(key).map_or(Lookup::Absent, MappedCircuit::lookup)
        } else {
            self.get_while_ending(key)
        }
    }

    /// Returns all circuits, in no particular order. Calls `find` for a key whose lookup is
    /// [undecided](Lookup::Undecided).
    pub(super) fn circuits(&self, find: impl Fn(&str) -> Option<CircuitBreaker>) -> Vec<CircuitBreaker> {
        let get = |(key, mapped): (&Arc<str>, &MappedCircuit)| match mapped.lookup() {
            Lookup::Found(circuit) => Some(circuit),
            Lookup::Absent => None,
            Lookup::Undecided => {
                let address = mapped.circuit.circuit().address();
                find(key).filter(|circuit| circuit.circuit().address() == address)
            }
        };
        if self.is_writable() {
            self.map.pin().iter().filter_map(get).collect()
        } else {
            self.map.pin_owned().iter().filter_map(get).collect()
        }
    }

    /// Calls `visit` for each circuit, in no particular order. The circuits are not cloned.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&CircuitBreaker)) {
        if self.is_writable() {
            self.map.pin().values().for_each(|mapped| visit(&mapped.circuit));
        } else {
            self.map.pin_owned().values().for_each(|mapped| visit(&mapped.circuit));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    /// Returns `true` if this thread can change the map. It cannot while it destroys its thread-local values.
    #[inline]
    pub(super) fn is_writable(&self) -> bool {
        match PHASE.get() {
            ThreadPhase::Running => true,
            ThreadPhase::New => self.begin(),
            ThreadPhase::Ending => false,
        }
    }

    /// Adds a circuit, if this thread [can change the map](Self::is_writable).
    pub(super) fn insert(&self, key: Arc<str>, circuit: CircuitBreaker) {
        if self.is_writable() {
            self.map.pin().insert(key, MappedCircuit { circuit, mark: AtomicU32::new(0) });
        }
    }

    /// Removes a circuit, if this thread [can change the map](Self::is_writable).
    pub(super) fn remove(&self, key: &str) {
        if self.is_writable() {
            self.map.pin().remove(key);
        }
    }

    /// Removes the circuit of `key` if `is_idle` returns `true`, and returns whether it did. While `is_idle` runs,
    /// this holds a handle of the circuit. The caller holds its lock, and another handle.
    pub(super) fn remove_if(&self, key: &str, is_idle: impl FnOnce() -> bool) -> bool {
        if !self.is_writable() {
            return false;
        }
        let map = self.map.pin();
        let Some(mapped) = map.get(key) else {
            return false;
        };
        mapped.mark.store(1, Ordering::Relaxed);
        // Changes the number of handles after the mark. A lookup that clones the handle later reads a number that
        // follows from this one, so the two fences make the mark visible to it. If the lookup cloned the handle
        // earlier, the number contains that handle, or the effects of its owner are visible.
        fence(Ordering::Release);
        let handle = mapped.circuit.clone();
        let is_removed = is_idle();
        drop(handle);
        if is_removed {
            map.remove(key);
        } else {
            mapped.mark.store(0, Ordering::Relaxed);
        }
        is_removed
    }

    #[cold]
    fn get_while_ending(&self, key: &str) -> Lookup {
        self.map.pin_owned().get(key).map_or(Lookup::Absent, MappedCircuit::lookup)
    }

    /// Registers the destructor of the guard, and then that of [`Lifetime`].
    #[cold]
    fn begin(&self) -> bool {
        // It panics only if other code of this program uses such guards and this thread has already destroyed
        // their value.
        let has_guard = catch_unwind(|| drop(self.map.guard())).is_ok();
        let is_running = has_guard && LIFETIME.try_with(|_| ()).is_ok();
        PHASE.set(if is_running { ThreadPhase::Running } else { ThreadPhase::Ending });
        is_running
    }
}

impl MappedCircuit {
    #[inline]
    fn lookup(&self) -> Lookup {
        let circuit = self.circuit.clone();
        // See `remove_if`.
        fence(Ordering::Acquire);
        match self.mark.load(Ordering::Relaxed) {
            0 => Lookup::Found(circuit),
            _ => Lookup::Undecided,
        }
    }
}

impl Drop for Lifetime {
    fn drop(&mut self) {
        PHASE.set(ThreadPhase::Ending);
    }
}
