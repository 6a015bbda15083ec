//! One annotated function: what it declares, and its breaker from the first call on.

use std::mem::ManuallyDrop;
use std::num::NonZeroU32;
use std::sync::Arc;

use once_cell::sync::OnceCell;

use super::acquire::{Acquire, AcquireNow};
use super::checked_name;
use crate::breaker::{Admitted, CircuitBreaker};
use crate::config::Conflict;
use crate::registry::{Configure, Declaration, KeyText, KeyedBreaker, Registry, scope};

/// A function with one circuit.
#[derive(Debug)]
pub struct Site(Parts);

/// All that is in it.
#[derive(Debug)]
struct Parts {
    declaration: Declaration,
    breaker: OnceCell<ManuallyDrop<CircuitBreaker>>,
}

/// A function with one circuit for each key. There are few of them; the compiler may prove what it has to.
#[derive(Debug)]
pub struct KeyedSite {
    declaration: Declaration,
    max_keys: NonZeroU32,
    breaker: OnceCell<ManuallyDrop<KeyedBreaker>>,
}

/// Threads may share `Parts`: proven here, once for all.
const _: () = {
    const fn threads_share<T: Sync>() {}
    threads_share::<Parts>();
};

// SAFETY: `Parts` is all that is in it, and threads may share that, or the lines above would not compile.
#[expect(
    unsafe_code,
    reason = "left to itself the compiler proves it anew for the static of each function, through all types of a \
              circuit"
)]
unsafe impl Sync for Site {}

/// A breaker before the first call.
#[expect(
    clippy::declare_interior_mutable_const,
    reason = "worked out once, and not anew for each function's static"
)]
const UNSET: OnceCell<ManuallyDrop<CircuitBreaker>> = OnceCell::new();

impl Site {
    /// A function whose author chose the name, which is checked already.
    #[must_use]
    #[track_caller]
    pub const fn named(name: &'static str, path: &'static str, configure: Configure) -> Self {
        let declaration = Declaration::named(name, path, configure);
        Self(Parts { declaration, breaker: UNSET })
    }

    /// A function that is called after its path.
    #[must_use]
    #[track_caller]
    pub const fn unnamed(path: &'static str, configure: Configure) -> Self {
        let declaration = Declaration::unnamed(checked_name(path), configure);
        Self(Parts { declaration, breaker: UNSET })
    }

    /// A function that registers elsewhere than in the global registry.
    #[must_use]
    pub const fn elsewhere(mut self) -> Self {
        self.0.declaration.move_elsewhere();
        self
    }

    /// Makes it known. It is called before `main`: it must neither allocate nor panic.
    pub fn declare(&'static self) {
        self.0.declaration.add();
    }

    /// Asks for one call, for an async function whose calls wait for their turn.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    #[inline]
    pub async fn acquire_waiting(&'static self) -> Admitted<'static> {
        self.breaker().circuit().admit_async().await
    }

    #[inline]
    fn breaker(&'static self) -> &'static CircuitBreaker {
        if let Some(breaker) = scope::single(&self.0.declaration) {
            return breaker;
        }
        match self.0.breaker.get() {
            Some(breaker) => breaker,
            None => self.register(&Registry::global()),
        }
    }

    /// Declares it in this registry, if it is not declared yet.
    #[inline]
    pub fn declared_in(&'static self, registry: impl FnOnce() -> Registry) -> &'static Self {
        if !scope::knows(&self.0.declaration).unwrap_or_else(|| self.0.breaker.get().is_some()) {
            // Before anything is initialised: it is the user's code, and may call this very function.
            let registry = registry();
            if !scope::declare(&self.0.declaration, &registry) {
                self.register(&registry);
            }
        }
        self
    }

    #[cold]
    fn register(&'static self, registry: &Registry) -> &'static CircuitBreaker {
        register(&self.0.breaker, registry, || registry.declare_single(self.0.declaration.claim()))
    }
}

impl KeyedSite {
    /// A function whose author chose the name, which is checked already.
    #[must_use]
    #[track_caller]
    pub const fn named(
        name: &'static str,
        path: &'static str,
        configure: Configure,
        max_keys: NonZeroU32,
    ) -> Self {
        let declaration = Declaration::named(name, path, configure).keyed(max_keys);
        Self { declaration, max_keys, breaker: OnceCell::new() }
    }

    /// A function that is called after its path.
    #[must_use]
    #[track_caller]
    pub const fn unnamed(path: &'static str, configure: Configure, max_keys: NonZeroU32) -> Self {
        let declaration = Declaration::unnamed(checked_name(path), configure).keyed(max_keys);
        Self { declaration, max_keys, breaker: OnceCell::new() }
    }

    /// A function that registers elsewhere than in the global registry.
    #[must_use]
    pub const fn elsewhere(mut self) -> Self {
        self.declaration.move_elsewhere();
        self
    }

    /// Makes it known. It is called before `main`: it must neither allocate nor panic.
    pub fn declare(&'static self) {
        self.declaration.add();
    }

    /// The circuit of this key, for the code of one call.
    #[inline]
    #[must_use]
    pub fn circuit(&'static self, key: &KeyText<'_>) -> KeyedCircuit {
        KeyedCircuit(self.breaker().get(key.as_str()))
    }

    #[inline]
    fn breaker(&'static self) -> &'static KeyedBreaker {
        if let Some(breaker) = scope::keyed(&self.declaration) {
            return breaker;
        }
        match self.breaker.get() {
            Some(breaker) => breaker,
            None => self.register(&Registry::global()),
        }
    }

    /// Declares it in this registry, if it is not declared yet.
    #[inline]
    pub fn declared_in(&'static self, registry: impl FnOnce() -> Registry) -> &'static Self {
        if !scope::knows(&self.declaration).unwrap_or_else(|| self.breaker.get().is_some()) {
            let registry = registry();
            if !scope::declare(&self.declaration, &registry) {
                self.register(&registry);
            }
        }
        self
    }

    #[cold]
    fn register(&'static self, registry: &Registry) -> &'static KeyedBreaker {
        register(&self.breaker, registry, || registry.declare_keyed(self.declaration.claim(), self.max_keys))
    }
}

/// The circuit of one key, held for one call.
#[derive(Debug)]
pub struct KeyedCircuit(CircuitBreaker);

impl KeyedCircuit {
    /// Asks for one call, for an async function whose calls wait for their turn.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    #[inline]
    pub async fn acquire_waiting(&self) -> Admitted<'_> {
        self.0.circuit().admit_async().await
    }
}

impl Acquire<'static> for &'static Site {
    #[inline]
    fn acquire(self) -> Admitted<'static> {
        self.breaker().circuit().admit_blocking()
    }
}

impl AcquireNow<'static> for &'static Site {
    #[inline]
    fn acquire_now(self) -> Admitted<'static> {
        self.breaker().circuit().try_admit()
    }
}

impl<'a> Acquire<'a> for &'a KeyedCircuit {
    #[inline]
    fn acquire(self) -> Admitted<'a> {
        self.0.circuit().admit_blocking()
    }
}

impl<'a> AcquireNow<'a> for &'a KeyedCircuit {
    #[inline]
    fn acquire_now(self) -> Admitted<'a> {
        self.0.circuit().try_admit()
    }
}

fn register<B>(
    breaker: &'static OnceCell<ManuallyDrop<B>>,
    registry: &Registry,
    declare: impl FnOnce() -> (B, Option<Arc<Conflict>>),
) -> &'static B {
    let mut found = None;
    let breaker = breaker.get_or_init(|| {
        let (breaker, conflict) = declare();
        found = conflict;
        ManuallyDrop::new(breaker)
    });
    if let Some(conflict) = found {
        registry.warn(&conflict);
    }
    breaker
}
