//! One annotated function: what it declares, and its breaker from the first call on.

use std::io::Write as _;
use std::num::NonZeroU32;
use std::panic::Location;

use once_cell::sync::OnceCell;

use super::{checked_name, refuse};
use crate::breaker::{Admission, CircuitBreaker, Rejected};
use crate::config::{Config, ConfigBuilder, Conflict, Name, Settings};
use crate::registry::{Declared, KeyText, KeyedBreaker, Naming, Registry};

/// A function with one circuit.
#[derive(Debug)]
pub struct Site {
    declaration: Declaration,
    breaker: OnceCell<CircuitBreaker>,
}

/// A function with one circuit for each key.
#[derive(Debug)]
pub struct KeyedSite {
    declaration: Declaration,
    max_keys: NonZeroU32,
    breaker: OnceCell<KeyedBreaker>,
}

#[derive(Debug)]
struct Declaration {
    name: &'static str,
    config: Config,
    declared: Declared,
}

impl Site {
    /// A function whose author chose the name.
    #[must_use]
    #[track_caller]
    pub const fn named(name: &'static str, settings: ConfigBuilder) -> Self {
        let declaration = Declaration::new(name, settings, Naming::Chosen);
        Self { declaration, breaker: OnceCell::new() }
    }

    /// A function that is called after its path.
    #[must_use]
    #[track_caller]
    pub const fn unnamed(path: &'static str, settings: ConfigBuilder) -> Self {
        let declaration = Declaration::new(path, settings, Naming::Derived);
        Self { declaration, breaker: OnceCell::new() }
    }

    /// Asks for one call, for a sync function.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    #[inline]
    pub fn acquire(&'static self) -> Result<Admission<'static>, Rejected<'static>> {
        self.breaker().circuit().admit_blocking()
    }

    /// The same, for an async function whose calls do not wait.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    #[inline]
    pub fn acquire_now(&'static self) -> Result<Admission<'static>, Rejected<'static>> {
        self.breaker().circuit().admit()
    }

    /// The same, for an async function whose calls wait for their turn.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    #[inline]
    pub async fn acquire_waiting(&'static self) -> Result<Admission<'static>, Rejected<'static>> {
        self.breaker().circuit().admit_waiting().await
    }

    #[inline]
    fn breaker(&'static self) -> &'static CircuitBreaker {
        match self.breaker.get() {
            Some(breaker) => breaker,
            None => self.register(Registry::global()),
        }
    }

    /// Declares it in this registry, if it is not declared yet.
    #[inline]
    pub fn declared_in(&'static self, registry: impl FnOnce() -> Registry) -> &'static Self {
        if self.breaker.get().is_none() {
            // Before anything is initialised: it is the user's code, and may call this very function.
            self.register(&registry());
        }
        self
    }

    #[cold]
    fn register(&'static self, registry: &Registry) -> &'static CircuitBreaker {
        let Declaration { name, config, declared } = &self.declaration;
        register(&self.breaker, registry, || {
            registry.declare_single(Name::Static(name), Settings::Static(config), *declared)
        })
    }
}

impl KeyedSite {
    /// A function whose author chose the name.
    #[must_use]
    #[track_caller]
    pub const fn named(name: &'static str, settings: ConfigBuilder, max_keys: NonZeroU32) -> Self {
        let declaration = Declaration::new(name, settings, Naming::Chosen);
        Self { declaration, max_keys, breaker: OnceCell::new() }
    }

    /// A function that is called after its path.
    #[must_use]
    #[track_caller]
    pub const fn unnamed(path: &'static str, settings: ConfigBuilder, max_keys: NonZeroU32) -> Self {
        let declaration = Declaration::new(path, settings, Naming::Derived);
        Self { declaration, max_keys, breaker: OnceCell::new() }
    }

    /// The circuit of this key, for the code of one call.
    #[inline]
    #[must_use]
    pub fn circuit(&'static self, key: &KeyText<'_>) -> KeyedCircuit {
        KeyedCircuit(self.breaker().get(key.as_str()))
    }

    #[inline]
    fn breaker(&'static self) -> &'static KeyedBreaker {
        match self.breaker.get() {
            Some(breaker) => breaker,
            None => self.register(Registry::global()),
        }
    }

    /// Declares it in this registry, if it is not declared yet.
    #[inline]
    pub fn declared_in(&'static self, registry: impl FnOnce() -> Registry) -> &'static Self {
        if self.breaker.get().is_none() {
            self.register(&registry());
        }
        self
    }

    #[cold]
    fn register(&'static self, registry: &Registry) -> &'static KeyedBreaker {
        let Declaration { name, config, declared } = &self.declaration;
        register(&self.breaker, registry, || {
            let (name, settings) = (Name::Static(name), Settings::Static(config));
            registry.declare_keyed(name, settings, *declared, self.max_keys)
        })
    }
}

/// The circuit of one key, held for one call.
#[derive(Debug)]
pub struct KeyedCircuit(CircuitBreaker);

impl KeyedCircuit {
    /// Asks for one call, for a sync function.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    #[inline]
    pub fn acquire(&self) -> Result<Admission<'_>, Rejected<'_>> {
        self.0.circuit().admit_blocking()
    }

    /// The same, for an async function whose calls do not wait.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    #[inline]
    pub fn acquire_now(&self) -> Result<Admission<'_>, Rejected<'_>> {
        self.0.circuit().admit()
    }

    /// The same, for an async function whose calls wait for their turn.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    #[inline]
    pub async fn acquire_waiting(&self) -> Result<Admission<'_>, Rejected<'_>> {
        self.0.circuit().admit_waiting().await
    }
}

impl Declaration {
    #[track_caller]
    const fn new(name: &'static str, settings: ConfigBuilder, naming: Naming) -> Self {
        let place = Location::caller();
        let config = match settings.build() {
            Ok(config) => config,
            Err(error) => refuse(error.message()),
        };
        Self { name: checked_name(name), config, declared: Declared { place, naming } }
    }
}

fn register<B>(
    breaker: &'static OnceCell<B>,
    registry: &Registry,
    declare: impl FnOnce() -> (B, Option<std::sync::Arc<Conflict>>),
) -> &'static B {
    let mut found = None;
    let breaker = breaker.get_or_init(|| {
        let (breaker, conflict) = declare();
        found = conflict;
        breaker
    });
    if let Some(conflict) = found {
        complain(&conflict);
        registry.tell(&conflict);
    }
    breaker
}

/// Loudly, because no caller can be handed an error; but not by `eprintln!`, which panics where nobody
/// can listen.
fn complain(conflict: &Conflict) {
    _ = writeln!(std::io::stderr(), "warning: {conflict}");
}
