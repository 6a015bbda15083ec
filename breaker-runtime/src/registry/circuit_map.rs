//! The circuits of one keyed breaker by key. A lookup takes no lock and does not allocate.
//!
//! Two types of guards protect the map. The usual one has a thread-local value, which a thread destroys before
//! it ends. Destructors of other thread-local values may run later and use a breaker; the usual guard would
//! panic there, and a panic in such a destructor aborts the process. Therefore [`Lifetime`] is registered after
//! the value of the guard and is destroyed before it. From then on this thread only reads the map, with an
//! owned guard, which has no thread-local value.

use std::cell::Cell;
use std::panic::catch_unwind;
use std::sync::Arc;

use crate::breaker::CircuitBreaker;

/// The circuits by key.
pub(super) struct CircuitMap {
    map: papaya::HashMap<Arc<str>, CircuitBreaker, foldhash::quality::RandomState>,
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

    /// Returns the circuit of `key`.
    #[inline]
    pub(super) fn get(&self, key: &str) -> Option<CircuitBreaker> {
        if self.is_writable() { self.map.pin().get(key).cloned() } else { self.get_while_ending(key) }
    }

    /// Returns all circuits, in no particular order.
    pub(super) fn circuits(&self) -> Vec<CircuitBreaker> {
        if self.is_writable() {
            self.map.pin().values().cloned().collect()
        } else {
            self.map.pin_owned().values().cloned().collect()
        }
    }

    /// Calls `visit` for each circuit, in no particular order. The circuits are not cloned.
    pub(super) fn for_each(&self, visit: impl FnMut(&CircuitBreaker)) {
        if self.is_writable() {
            self.map.pin().values().for_each(visit);
        } else {
            self.map.pin_owned().values().for_each(visit);
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
            self.map.pin().insert(key, circuit);
        }
    }

    /// Removes a circuit, if this thread [can change the map](Self::is_writable).
    pub(super) fn remove(&self, key: &str) {
        if self.is_writable() {
            self.map.pin().remove(key);
        }
    }

    #[cold]
    fn get_while_ending(&self, key: &str) -> Option<CircuitBreaker> {
        self.map.pin_owned().get(key).cloned()
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

impl Drop for Lifetime {
    fn drop(&mut self) {
        PHASE.set(ThreadPhase::Ending);
    }
}
