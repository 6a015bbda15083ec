//! The breakers of one registry by name, and the conflicts between their registrations.
//!
//! The lock is taken when a breaker is registered, looked up or listed, never by a call. No listener runs
//! while it is held.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::any_breaker::{AnyBreaker, RegistryBreaker, RegistryContext};
use super::declaration::{self, Declaration};
use super::keyed::KeyedBreaker;
use super::registration::Registration;
use crate::breaker::{CircuitBreaker, Identity};
use crate::clock::Clock;
use crate::config::{Conflict, Name};
use crate::event::{Event, Hub};
use crate::snapshot::{KeyCounts, Snapshot};
use crate::sync::{AtomicU64, Mutex, MutexGuard, lock};
use crate::warning::warn;

/// The state that all clones of a registry share.
#[derive(Default)]
pub(crate) struct Store {
    /// `true` if annotated functions register here, except those that name another registry.
    serves_functions: bool,
    context: RegistryContext,
    contents: Mutex<Contents>,
    /// Number of commands over HTTP that have run. All routers of the registry share it.
    commands: AtomicU64,
}

/// One name of a registry: a breaker, or a function that registers one on its first call.
#[derive(Clone, Debug)]
pub(crate) enum RegistryEntry {
    Registered(AnyBreaker),
    Declared(&'static Declaration),
}

/// A registered breaker. `conflict` is set if an earlier registration of its name does not agree.
pub(crate) struct Registered<B> {
    pub(crate) breaker: B,
    pub(crate) conflict: Option<Arc<Conflict>>,
}

#[derive(Default)]
struct Contents {
    by_name: BTreeMap<Name, StoredBreaker>,
    /// All conflicts that were found, each once.
    conflicts: Vec<Conflict>,
}

struct StoredBreaker {
    breaker: AnyBreaker,
    registration: Registration,
}

impl Store {
    /// Returns an empty store in which annotated functions register.
    pub(super) fn for_functions(clock: Clock) -> Self {
        Self { serves_functions: true, ..Self::standalone(clock) }
    }

    /// Returns an empty store for a registry that the program creates.
    pub(super) fn standalone(clock: Clock) -> Self {
        let context = RegistryContext { clock, ..RegistryContext::default() };
        Self { context, ..Self::default() }
    }

    /// Returns the clock of all breakers in this store.
    pub(super) const fn clock(&self) -> &Clock {
        &self.context.clock
    }

    /// Returns the hub for the listeners of the registry.
    pub(crate) const fn hub(&self) -> &Arc<Hub> {
        &self.context.hub
    }

    /// Returns the breaker with this name. If none is registered, registers that of the annotated function with
    /// this name, if it would register here on its first call.
    ///
    /// The first call of the function registers it again, and reports a conflict if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<AnyBreaker> {
        self.registered(name).or_else(|| Some(self.register_function(self.declared_as(name)?).breaker))
    }

    /// Returns the first function with this name that registers here, called or not.
    pub(crate) fn declared_as(&self, name: &str) -> Option<&'static Declaration> {
        self.serves_functions.then(|| declaration::first_named(name))?
    }

    /// Returns the breaker that is registered with this name. Registers none.
    pub(crate) fn registered(&self, name: &str) -> Option<AnyBreaker> {
        self.contents().by_name.get(name).map(|stored| stored.breaker.clone())
    }

    /// Returns all breakers, sorted by name.
    pub(super) fn breakers(&self) -> Vec<AnyBreaker> {
        let mut breakers = Vec::new();
        self.visit(|breaker| {
            breakers.push(breaker.clone());
            ControlFlow::Continue(())
        });
        breakers
    }

    /// Calls `visit` for the breakers in the order of their names, until it breaks. The lock is held, so `visit`
    /// runs no code of users.
    pub(crate) fn visit(&self, mut visit: impl FnMut(&AnyBreaker) -> ControlFlow<()>) {
        _ = self.contents().by_name.values().try_for_each(|stored| visit(&stored.breaker));
    }

    /// Returns one entry per name, sorted by name. A breaker takes precedence over the functions that declare
    /// its name.
    pub(super) fn entries(&self) -> Vec<RegistryEntry> {
        let mut entries: Vec<_> = self.breakers().into_iter().map(RegistryEntry::Registered).collect();
        entries.extend(self.declared().map(RegistryEntry::Declared));
        // The sort is stable, so a breaker stays before the functions that declare its name.
        entries.sort_by(|one, other| one.name().cmp(other.name()));
        entries.dedup_by(|one, other| one.name() == other.name());
        entries
    }

    /// Returns the functions that register here, called or not, sorted by name.
    pub(crate) fn declared(&self) -> impl Iterator<Item = &'static Declaration> + use<> {
        let declared = self.serves_functions.then(declaration::all);
        declared.into_iter().flatten().filter(|declaration| !declaration.has_own_registry())
    }

    /// Returns the number of functions that register here and have not been called, at most `limit`.
    #[allow(dead_code, reason = "only the integration `axum` chooses a thread by it")]
    pub(crate) fn count_uncalled(&self, limit: usize) -> usize {
        if !self.serves_functions {
            return 0;
        }
        let contents = self.contents();
        let is_uncalled = |declaration: &&'static Declaration| {
            !declaration.has_own_registry() && !contents.by_name.contains_key(declaration.name())
        };
        declaration::unsorted().filter(is_uncalled).take(limit).count()
    }

    /// Returns all conflicts: those that were found before, and those of functions that have not been called
    /// yet.
    pub(super) fn conflicts(&self) -> Vec<Conflict> {
        // Collected before the lock is taken, because the settings of every function are evaluated.
        let functions: Vec<_> = self.declared().map(Registration::of_function).collect();
        let contents = self.contents();
        let mut first: BTreeMap<&str, &Registration> = BTreeMap::new();
        let mut found = contents.conflicts.clone();
        for function in &functions {
            let name = function.name.as_str();
            let before = match contents.by_name.get(name) {
                Some(stored) => &stored.registration,
                None => *first.entry(name).or_insert(function),
            };
            let conflicts = [before.conflict(function), function.renaming()];
            let unknown =
                conflicts.into_iter().flatten().filter(|conflict| !contents.conflicts.contains(conflict));
            found.extend(unknown);
        }
        found
    }

    /// Registers a breaker, or returns the one that has its name. If that is of the other type, the returned
    /// breaker is in no registry.
    pub(crate) fn register<B: RegistryBreaker>(
        &self,
        registration: Registration,
        max_keys: B::MaxKeys,
    ) -> Registered<B> {
        let breaker = B::create(&registration, max_keys, &self.context);
        let offered = StoredBreaker { breaker: breaker.clone().into_any(), registration };
        let registered = self.insert(offered);
        let breaker = B::from_any(&registered.breaker).cloned().unwrap_or(breaker);
        Registered { breaker, conflict: registered.conflict }
    }

    /// Registers the breaker of a function, or returns the one that has its name.
    pub(crate) fn register_function(&self, declaration: &'static Declaration) -> Registered<AnyBreaker> {
        let registration = Registration::of_function(declaration);
        match registration.max_keys {
            None => self.register::<CircuitBreaker>(registration, ()).into_any(),
            Some(max_keys) => self.register::<KeyedBreaker>(registration, max_keys).into_any(),
        }
    }

    /// Registers the breakers of all functions without keys that have not been called yet.
    pub(super) fn register_uncalled(&self) {
        for entry in self.entries() {
            if let RegistryEntry::Declared(declaration) = entry
                && declaration.max_keys().is_none()
            {
                self.register_function(declaration);
            }
        }
    }

    fn insert(&self, offered: StoredBreaker) -> Registered<AnyBreaker> {
        let renaming = offered.registration.renaming();
        let mut contents = self.contents();
        let present = contents.by_name.get(&offered.registration.name);
        let conflict = present.and_then(|present| present.registration.conflict(&offered.registration));
        let breaker = present.unwrap_or(&offered).breaker.clone();
        if present.is_none() {
            contents.by_name.insert(offered.registration.name.clone(), offered);
        }
        let conflict = conflict.or(renaming);
        if let Some(conflict) = &conflict
            && !contents.conflicts.contains(conflict)
        {
            contents.conflicts.push(conflict.clone());
        }
        Registered { breaker, conflict: conflict.map(Arc::new) }
    }

    /// Notifies the listeners of a conflict of an annotated function, whose caller receives no error. Writes it to
    /// stderr if the program would not be notified.
    pub(crate) fn report_conflict(&self, conflict: &Arc<Conflict>) {
        if !self.hub().informs_program() {
            warn(conflict);
        }
        self.notify_conflict(conflict);
    }

    /// Notifies the listeners of a conflict. The caller holds no lock and initializes no static.
    pub(super) fn notify_conflict(&self, conflict: &Arc<Conflict>) {
        self.hub().notify(&Event::Conflict(Arc::clone(conflict)));
    }

    /// Returns the number of commands over HTTP that have run. A command ends the use of all earlier readings.
    #[allow(dead_code, reason = "only the integration `axum` runs commands over HTTP")]
    pub(crate) const fn commands(&self) -> &AtomicU64 {
        &self.commands
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        lock(&self.contents)
    }
}

impl<B: RegistryBreaker> Registered<B> {
    fn into_any(self) -> Registered<AnyBreaker> {
        Registered { breaker: self.breaker.into_any(), conflict: self.conflict }
    }
}

impl RegistryEntry {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Registered(breaker) => breaker.name(),
            Self::Declared(declaration) => declaration.name(),
        }
    }

    /// Returns the snapshot of the breaker, or of a new circuit for a function that has not been called yet.
    pub(crate) fn snapshot(&self, clock: &Clock) -> Snapshot {
        match self {
            Self::Registered(breaker) => breaker.snapshot(),
            Self::Declared(declaration) => {
                let Registration { name, settings, .. } = Registration::of_function(declaration);
                let identity = Identity::Alone { name };
                let unused = CircuitBreaker::new_unchecked(identity, settings, clock.clone()).snapshot();
                Snapshot { keys: declaration.max_keys().map(|_| KeyCounts::default()), ..unused }
            }
        }
    }
}
