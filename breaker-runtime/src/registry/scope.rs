//! The registry that one test has for itself, instead of the global one, and the breakers that annotated
//! functions have in it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use once_cell::sync::Lazy;

use super::{Declaration, KeyedBreaker, Kind, Registry};
use crate::breaker::CircuitBreaker;
use crate::clock::Clock;
use crate::clock::mock::MockClock;
use crate::config::Conflict;
use crate::sync::thread_local::{self, ThreadSlotGuard};
use crate::sync::{Mutex, lock};

pub(crate) struct Scoped {
    registry: Registry,
    /// By the address of the declaration.
    made: Mutex<BTreeMap<usize, Made>>,
}

#[derive(Clone, Copy)]
enum Made {
    Single(&'static CircuitBreaker),
    Keyed(&'static KeyedBreaker),
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Scoped>>> = const { RefCell::new(None) };
}

/// Calls of annotated functions borrow their breaker for as long as the program runs, so those of all scopes
/// are kept. Here, so that whoever looks for leaks finds none.
static KEPT: Lazy<Mutex<Vec<Made>>> = Lazy::new(Mutex::default);

/// The registry of the scope that this thread is in.
pub(super) fn registry() -> Option<Registry> {
    Some(current()?.registry.clone())
}

/// The breaker that a function with one circuit has in the scope that this thread is in.
pub(crate) fn single(declaration: &'static Declaration) -> Option<&'static CircuitBreaker> {
    match current()?.made(declaration) {
        Made::Single(breaker) => Some(breaker),
        Made::Keyed(_) => None,
    }
}

/// The same for a function with one circuit for each key.
pub(crate) fn keyed(declaration: &'static Declaration) -> Option<&'static KeyedBreaker> {
    match current()?.made(declaration) {
        Made::Keyed(breaker) => Some(breaker),
        Made::Single(_) => None,
    }
}

/// Whether a function has a breaker in the scope that this thread is in; none outside of scopes.
pub(crate) fn knows(declaration: &'static Declaration) -> Option<bool> {
    Some(current()?.find(declaration).is_some())
}

/// Declares a function in the registry that it names, for the scope that this thread is in. False outside of
/// scopes.
pub(crate) fn declare(declaration: &'static Declaration, registry: &Registry) -> bool {
    current().is_some_and(|scope| {
        scope.make(declaration, registry);
        true
    })
}

fn current() -> Option<Arc<Scoped>> {
    thread_local::current(&CURRENT)
}

impl Scoped {
    pub(crate) fn new(clock: &MockClock) -> Arc<Self> {
        let registry = Registry::of_functions(Clock::mocked(clock));
        Arc::new(Self { registry, made: Mutex::default() })
    }

    pub(crate) const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// This thread is in the scope until what is returned is dropped.
    pub(crate) fn enter(self: &Arc<Self>) -> ThreadSlotGuard<Arc<Self>> {
        ThreadSlotGuard::set(&CURRENT, Arc::clone(self))
    }

    fn made(&self, declaration: &'static Declaration) -> Made {
        self.find(declaration).unwrap_or_else(|| self.make(declaration, &self.registry))
    }

    fn find(&self, declaration: &'static Declaration) -> Option<Made> {
        lock(&self.made).get(&address(declaration)).copied()
    }

    fn make(&self, declaration: &'static Declaration, registry: &Registry) -> Made {
        let (kind, conflict) = registry.declare_function(declaration);
        let made = match kind {
            Kind::Single(breaker) => Made::Single(Box::leak(Box::new(breaker))),
            Kind::Keyed(breaker) => Made::Keyed(Box::leak(Box::new(breaker))),
        };
        lock(&KEPT).push(made);
        let made = *lock(&self.made).entry(address(declaration)).or_insert(made);
        if let Some(conflict) = conflict {
            registry.warn(&conflict);
        }
        made
    }
}

fn address(declaration: &'static Declaration) -> usize {
    std::ptr::from_ref(declaration).addr()
}

impl Registry {
    /// Makes the breaker of this name, as the attribute declares it, if there is none yet and it does.
    pub(crate) fn make_declared(&self, name: &str) {
        if self.entries().by_name.contains_key(name) {
            return;
        }
        let is_it = |declared: &&Declaration| declared.name() == name && !declared.has_own_registry();
        if let Some(declaration) = Self::declared().find(is_it) {
            _ = self.declare_function(declaration);
        }
    }

    fn declare_function(&self, declaration: &'static Declaration) -> (Kind, Option<Arc<Conflict>>) {
        let claim = declaration.claim();
        match claim.max_keys {
            None => {
                let (breaker, conflict) = self.declare_single(claim);
                (Kind::Single(breaker), conflict)
            }
            Some(max_keys) => {
                let (breaker, conflict) = self.declare_keyed(claim, max_keys);
                (Kind::Keyed(breaker), conflict)
            }
        }
    }
}
