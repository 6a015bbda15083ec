//! The registry of one test, which replaces the global one, and the breakers of annotated functions in it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::{Arc, Weak};

use once_cell::sync::Lazy;

use super::any_breaker::{AnyBreaker, RegistryBreaker};
use super::declaration::Declaration;
use super::store::{Registered, Store};
use crate::breaker::Circuit;
use crate::clock::Clock;
use crate::clock::mock::MockClock;
use crate::sync::process_slot::{ProcessSlot, ProcessSlotGuard};
use crate::sync::thread_local::{self, ThreadSlotGuard};
use crate::sync::{Mutex, lock};

/// The registry of one test, and the breaker of each function that was called in it.
pub(crate) struct ScopeState {
    store: Arc<Store>,
    /// The breakers of functions, by the address of the declaration.
    breakers: Mutex<BTreeMap<usize, &'static AnyBreaker>>,
    trips: Mutex<Vec<Trip>>,
}

/// A circuit of an annotated function that a test tripped.
#[derive(Clone)]
pub(crate) struct Trip {
    /// Weak, so that the circuit of a key can be evicted.
    pub(crate) circuit: Weak<Circuit>,
    pub(crate) location: &'static Location<'static>,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<ScopeState>>> = const { RefCell::new(None) };
}

/// The scope for the whole process.
static PROCESS: ProcessSlot<Arc<ScopeState>> = ProcessSlot::new();

/// Number of handles of a breaker that only its scope uses: of the scope, of the store, and of the caller.
const OWN_HANDLES: usize = 3;

/// The breakers of all scopes. They are never freed, because calls of annotated functions borrow their
/// breaker for `'static`. The list prevents reports of leak detectors.
static LEAKED: Lazy<Mutex<Vec<&'static AnyBreaker>>> = Lazy::new(Mutex::default);

/// Returns the store of the current scope.
pub(super) fn store() -> Option<Arc<Store>> {
    Some(Arc::clone(&current()?.store))
}

/// Returns the breaker of a function in the current scope, and registers it first if needed.
pub(crate) fn breaker<B: RegistryBreaker>(declaration: &'static Declaration) -> Option<&'static B> {
    let scope = current()?;
    let breaker = scope.find(declaration).unwrap_or_else(|| scope.register(declaration, &scope.store));
    B::from_any(breaker)
}

/// Returns `true` if a function has a breaker in the current scope, or `None` outside scopes.
pub(crate) fn has_breaker(declaration: &'static Declaration) -> Option<bool> {
    Some(current()?.find(declaration).is_some())
}

/// Registers the breaker of a function in `store` for the current scope. Returns `false` outside scopes.
pub(crate) fn register(declaration: &'static Declaration, store: &Store) -> bool {
    current().is_some_and(|scope| {
        scope.register(declaration, store);
        true
    })
}

/// Returns the scope of this thread, or else that of the process.
pub(crate) fn current() -> Option<Arc<ScopeState>> {
    thread_local::current(&CURRENT).or_else(|| PROCESS.current())
}

impl ScopeState {
    /// Returns a scope with an empty registry, whose breakers read `clock`.
    pub(crate) fn new(clock: &MockClock) -> Arc<Self> {
        let store = Arc::new(Store::for_functions(Clock::mocked(clock)));
        Arc::new(Self { store, breakers: Mutex::default(), trips: Mutex::default() })
    }

    pub(crate) const fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Makes this the current scope of this thread until the guard is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> ThreadSlotGuard<Arc<Self>> {
        ThreadSlotGuard::set(&CURRENT, Arc::clone(self))
    }

    /// Makes this the scope of all threads that are in no other one, until the guard is dropped.
    pub(crate) fn enter_process(self: &Arc<Self>) -> ProcessSlotGuard<Arc<Self>> {
        PROCESS.set(Arc::clone(self))
    }

    /// Remembers that a test tripped a circuit.
    pub(crate) fn add_trip(&self, trip: Trip) {
        lock(&self.trips).push(trip);
    }

    /// Returns the circuits that the test tripped.
    pub(crate) fn trips(&self) -> Vec<Trip> {
        lock(&self.trips).clone()
    }

    fn find(&self, declaration: &'static Declaration) -> Option<&'static AnyBreaker> {
        lock(&self.breakers).get(&address(declaration)).copied()
    }

    fn register(&self, declaration: &'static Declaration, store: &Store) -> &'static AnyBreaker {
        let Registered { breaker, conflict, warnings } = store.register_function(declaration);
        let breaker: &'static AnyBreaker = Box::leak(Box::new(breaker));
        lock(&LEAKED).push(breaker);
        // Another thread may have registered it in the meantime. Both then use the first breaker.
        let breaker = *lock(&self.breakers).entry(address(declaration)).or_insert(breaker);
        warnings.report();
        if let Some(conflict) = conflict {
            store.report_conflict(&conflict);
        }
        breaker
    }
}

impl Drop for ScopeState {
    /// Frees the circuits of keys that the program cannot reach any more. Their breakers are never freed.
    fn drop(&mut self) {
        if Arc::strong_count(&self.store) > 1 {
            return;
        }
        for breaker in std::mem::take(&mut *lock(&self.breakers)).into_values() {
            // Functions with a `registry` may have registered in one that the program goes on using.
            if let AnyBreaker::Keyed(keyed) = breaker
                && let Some(AnyBreaker::Keyed(stored)) = self.store.registered(keyed.name())
                && keyed.has_handles(&stored, OWN_HANDLES)
            {
                keyed.retain(|_, _| false);
            }
        }
    }
}

fn address(declaration: &'static Declaration) -> usize {
    std::ptr::from_ref(declaration).addr()
}
