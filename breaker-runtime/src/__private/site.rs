//! The static of an annotated function: its declaration, and its breaker after the first call.

use std::mem::ManuallyDrop;
use std::num::NonZeroU32;

use once_cell::race::OnceRef;
use once_cell::sync::OnceCell;

use super::acquire::{Acquire, CircuitRef};
use super::const_checks::checked_path;
use crate::breaker::CircuitBreaker;
use crate::registry::{
    Configure, Declaration, HeldCircuit, KeyText, KeyedBreaker, Registered, Registration, Registry,
    RegistryBreaker, Warnings, scope,
};

/// The site of a function with one circuit.
pub type Site = FunctionSite<CircuitBreaker>;

/// The site of a function with one circuit per key.
pub type KeyedSite = FunctionSite<KeyedBreaker>;

/// An annotated function, which has a breaker of type `B`.
#[derive(Debug)]
pub struct FunctionSite<B: RegistryBreaker>(SiteState<B>);

#[derive(Debug)]
struct SiteState<B: RegistryBreaker> {
    declaration: Declaration,
    max_keys: B::MaxKeys,
    /// Never dropped, because it belongs to a static.
    breaker: OnceCell<ManuallyDrop<B>>,
    /// The part of the breaker that calls read, found with one load.
    shared: OnceRef<'static, B::Shared>,
}

/// Proves once that `SiteState` is `Sync` for every `B`.
const _: () = {
    const fn assert_sync<T: Sync>() {}
    const fn assert_state_is_sync<B: RegistryBreaker>() {
        assert_sync::<SiteState<B>>();
    }
    assert_state_is_sync::<CircuitBreaker>();
};

// SAFETY: a site contains only `SiteState`, which is `Sync`, or `assert_state_is_sync` would not compile.
#[expect(
    unsafe_code,
    reason = "without it, the compiler proves `Sync` through all types of a circuit for the static of each function"
)]
unsafe impl<B: RegistryBreaker> Sync for FunctionSite<B> {}

/// The circuit of one key, held for one call.
#[derive(Debug)]
pub struct KeyedCircuit(HeldCircuit);

impl<B: RegistryBreaker> FunctionSite<B> {
    #[expect(
        clippy::declare_interior_mutable_const,
        reason = "a constant is evaluated once, and a function for each static"
    )]
    const UNSET: OnceCell<ManuallyDrop<B>> = OnceCell::new();
    #[expect(clippy::declare_interior_mutable_const, reason = "as above")]
    const NOT_FOUND: OnceRef<'static, B::Shared> = OnceRef::new();

    const fn new(declaration: Declaration, max_keys: B::MaxKeys) -> Self {
        Self(SiteState { declaration, max_keys, breaker: Self::UNSET, shared: Self::NOT_FOUND })
    }

    /// Makes the function register in the registry that [`declared_in`](Self::declared_in) receives.
    #[must_use]
    pub const fn in_own_registry(mut self) -> Self {
        self.0.declaration.set_own_registry();
        self
    }

    /// Adds the declaration to the list of all functions. This runs before `main`: it neither allocates nor panics.
    pub fn declare(&'static self) {
        self.0.declaration.add();
    }

    /// Registers the breaker in `registry`, unless the function already has a breaker.
    #[inline]
    pub fn declared_in(&'static self, registry: impl FnOnce() -> Registry) -> &'static Self {
        if !scope::has_breaker(&self.0.declaration).unwrap_or_else(|| self.0.breaker.get().is_some()) {
            // Called before the cell is initialized, because it is user code that may call this function again.
            let registry = registry();
            if !scope::register(&self.0.declaration, registry.store()) {
                self.register(&registry);
            }
        }
        self
    }

    #[inline]
    fn shared(&'static self) -> &'static B::Shared {
        if let Some(breaker) = scope::breaker::<B>(&self.0.declaration) {
            return breaker.shared();
        }
        match self.0.shared.get() {
            Some(shared) => shared,
            None => self.find(),
        }
    }

    #[cold]
    #[inline(never)]
    fn find(&'static self) -> &'static B::Shared {
        let breaker = match self.0.breaker.get() {
            Some(breaker) => breaker,
            None => self.register(&Registry::global()),
        };
        // Another thread may have stored the same reference.
        _ = self.0.shared.set(breaker.shared());
        breaker.shared()
    }

    #[cold]
    fn register(&'static self, registry: &Registry) -> &'static B {
        let (mut found, mut warned) = (None, Warnings::default());
        let breaker = self.0.breaker.get_or_init(|| {
            let registration = Registration::of_function(&self.0.declaration);
            let Registered { breaker, conflict, warnings } =
                registry.store().register(&registration, self.0.max_keys);
            (found, warned) = (conflict, warnings);
            ManuallyDrop::new(breaker)
        });
        // Reported after the cell is initialized, because listeners may call the function.
        warned.report();
        if let Some(conflict) = found {
            registry.store().report_conflict(&conflict);
        }
        breaker
    }
}

impl Site {
    /// Returns the site of a function with a chosen name, which has been checked.
    #[must_use]
    #[track_caller]
    pub const fn named(name: &'static str, path: &'static str, configure: Configure) -> Self {
        Self::new(Declaration::named(name, path, configure), ())
    }

    /// Returns the site of a function whose circuit has the path of the function as its name.
    #[must_use]
    #[track_caller]
    pub const fn unnamed(path: &'static str, configure: Configure) -> Self {
        Self::new(Declaration::unnamed(checked_path(path), configure), ())
    }
}

impl KeyedSite {
    /// Returns the site of a function with a chosen name, which has been checked.
    #[must_use]
    #[track_caller]
    pub const fn named(
        name: &'static str,
        path: &'static str,
        configure: Configure,
        max_keys: NonZeroU32,
    ) -> Self {
        Self::new(Declaration::named(name, path, configure).keyed(max_keys), max_keys)
    }

    /// Returns the site of a function whose circuits have the path of the function as their name.
    #[must_use]
    #[track_caller]
    pub const fn unnamed(path: &'static str, configure: Configure, max_keys: NonZeroU32) -> Self {
        Self::new(Declaration::unnamed(checked_path(path), configure).keyed(max_keys), max_keys)
    }

    /// Returns the circuit of `key` for one call.
    #[inline]
    #[must_use]
    pub fn circuit(&'static self, key: &KeyText<'_>) -> KeyedCircuit {
        KeyedCircuit(self.shared().circuit_for_call(key.as_str()))
    }
}

impl Acquire<'static> for &'static Site {
    #[inline]
    fn circuit(self) -> CircuitRef<'static> {
        CircuitRef(self.shared())
    }
}

impl<'a> Acquire<'a> for &'a KeyedCircuit {
    #[inline]
    fn circuit(self) -> CircuitRef<'a> {
        CircuitRef(&self.0)
    }
}
