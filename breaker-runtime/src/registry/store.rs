//! The breakers of one registry by name, and the conflicts between their registrations.
//!
//! The lock is taken when a breaker is registered, looked up or listed, never by a call. No listener runs
//! while it is held.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::any_breaker::{AnyBreaker, RegistryBreaker};
use super::breaker_settings::BreakerSettings;
use super::config_loads::ConfigLoads;
use super::context::RegistryContext;
use super::declaration::{self, Declaration};
use super::keyed::KeyedBreaker;
use super::layers::{ConfigSection, Layers};
use super::registration::Registration;
use super::resolution::Resolved;
use super::taps::RegistryTaps;
use crate::breaker::{Attachments, CircuitBreaker, Identity};
use crate::clock::Clock;
use crate::config::{Conflict, Name, SharedConfig};
use crate::event::{Event, Hub};
use crate::snapshot::{KeyCounts, Snapshot};
use crate::sync::{Mutex, MutexGuard, lock};
use crate::warning::warn;

/// The state that all clones of a registry share.
#[derive(Default)]
pub(crate) struct Store {
    /// `true` if annotated functions register here, except those that name another registry.
    serves_functions: bool,
    context: RegistryContext,
    contents: Mutex<Contents>,
    /// Locked while settings are applied, so that breakers receive concurrent settings in the same order.
    config_order: Mutex<()>,
    config_loads: ConfigLoads,
    attachments: Attachments,
}

/// One name of a registry: a breaker, or a function that registers one on its first call.
#[derive(Clone, Debug)]
pub(crate) enum RegistryEntry {
    Registered(AnyBreaker),
    Declared(Uncalled),
}

/// An annotated function that has not registered a breaker yet, with the settings that it will have.
#[derive(Clone, Debug)]
pub(crate) struct Uncalled {
    pub(crate) declaration: &'static Declaration,
    pub(crate) settings: SharedConfig,
}

/// A registered breaker. `conflict` is set if an earlier registration of its name does not agree.
pub(crate) struct Registered<B> {
    pub(crate) breaker: B,
    pub(crate) conflict: Option<Arc<Conflict>>,
    pub(crate) warnings: Warnings,
}

/// Warnings about a registration. They are reported while no lock is held and no static is initialized, because that
/// can run user code, which may call the function.
#[must_use = "warnings must be reported"]
#[derive(Default)]
pub(crate) struct Warnings(Vec<String>);

impl Warnings {
    pub(crate) fn report(self) {
        self.0.into_iter().for_each(warn);
    }
}

#[derive(Default)]
pub(super) struct Contents {
    pub(super) by_name: BTreeMap<Name, StoredBreaker>,
    /// All conflicts that were found, each once.
    conflicts: Vec<Conflict>,
    pub(super) layers: Layers,
    /// Grows with each change of the layers.
    pub(super) config_version: u64,
}

pub(super) struct StoredBreaker {
    pub(super) breaker: AnyBreaker,
    pub(super) registration: Registration,
    /// The settings that the configuration applied last; `None` while they are those in the code.
    applied: Option<Box<BreakerSettings>>,
}

/// The settings of a breaker, after the configuration of this version.
struct VersionedSettings {
    version: u64,
    settings: BreakerSettings,
    /// The texts of the warnings about the breaker.
    warnings: Vec<String>,
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

    /// Returns what features keep with this registry.
    #[allow(dead_code, reason = "only the features `axum` and `shadow` attach to registries")]
    pub(crate) const fn attachments(&self) -> &Attachments {
        &self.attachments
    }

    pub(super) fn taps(&self) -> &RegistryTaps {
        &self.context.taps
    }

    /// Returns the breaker with this name. If none is registered, registers that of the annotated function with
    /// this name, if it would register here on its first call.
    ///
    /// The first call of the function registers it again, and reports a conflict if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<AnyBreaker> {
        self.registered(name).or_else(|| {
            let Registered { breaker, warnings, .. } = self.register_function(self.declared_as(name)?);
            warnings.report();
            Some(breaker)
        })
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
        entries
            .extend(self.declared().map(|declaration| RegistryEntry::Declared(self.uncalled(declaration))));
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

    /// Returns the function with the settings that its first call will give to its breaker.
    pub(crate) fn uncalled(&self, declaration: &'static Declaration) -> Uncalled {
        let registration = Registration::of_function(declaration);
        Uncalled { declaration, settings: self.resolve(&registration).settings.all }
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
        registration: &Registration,
        max_keys: B::MaxKeys,
    ) -> Registered<B> {
        loop {
            let VersionedSettings { version, settings, warnings } = self.resolve(registration);
            let breaker = B::create(&registration.name, settings.clone(), max_keys, &self.context);
            let registration = registration.clone();
            let offered = StoredBreaker::new(breaker.clone().into_any(), registration, settings);
            let Some(registered) = self.insert(offered, version) else {
                continue; // the configuration has changed meanwhile
            };
            for circuit in registered.breaker.circuits() {
                self.context.taps.attach_to(circuit.circuit());
            }
            let breaker = B::from_any(&registered.breaker).cloned().unwrap_or(breaker);
            return Registered { breaker, conflict: registered.conflict, warnings: Warnings(warnings) };
        }
    }

    /// Returns the settings of a breaker after the current configuration.
    fn resolve(&self, registration: &Registration) -> VersionedSettings {
        let contents = self.contents();
        let Resolved { settings, ignored, .. } = registration.resolve(&contents.layers);
        let mut warnings = Vec::new();
        let name = registration.name.as_str();
        if !contents.by_name.contains_key(name) {
            let ignored = ignored.iter().map(|it| format!("{}; this section does not apply to it", it.error));
            warnings.extend(ignored);
            let declared = self.declared().map(|declaration| -> &str { declaration.name() });
            let others = contents.by_name.keys().map(Name::as_str).chain(declared);
            warnings.extend(contents.layers.shared_variables(name, others));
        }
        VersionedSettings { version: contents.config_version, settings, warnings }
    }

    /// Registers the breaker of a function, or returns the one that has its name.
    pub(crate) fn register_function(&self, declaration: &'static Declaration) -> Registered<AnyBreaker> {
        let registration = Registration::of_function(declaration);
        match registration.max_keys {
            None => self.register::<CircuitBreaker>(&registration, ()).into_any(),
            Some(max_keys) => self.register::<KeyedBreaker>(&registration, max_keys).into_any(),
        }
    }

    /// Registers the breakers of all functions without keys that have not been called yet.
    pub(super) fn register_uncalled(&self) {
        for declaration in self.uncalled_without_keys() {
            self.register_function(declaration).warnings.report();
        }
    }

    /// Returns the functions without keys that have not been called yet, one for each name.
    pub(crate) fn uncalled_without_keys(&self) -> Vec<&'static Declaration> {
        let mut functions: Vec<_> = self.declared().collect();
        functions.dedup_by_key(|declaration| declaration.name());
        let contents = self.contents();
        functions.retain(|declaration| {
            declaration.max_keys().is_none() && !contents.by_name.contains_key(declaration.name())
        });
        functions
    }

    /// Returns the number of sections in all layers.
    #[allow(dead_code, reason = "only the integration `axum` chooses a thread by it")]
    pub(crate) fn count_sections(&self) -> usize {
        self.contents().layers.len()
    }

    /// Adds the breaker unless one has its name. Returns `None` if its settings are those of an older configuration.
    fn insert(&self, offered: StoredBreaker, version: u64) -> Option<Registered<AnyBreaker>> {
        let renaming = offered.registration.renaming();
        let mut contents = self.contents();
        if contents.config_version != version {
            return None;
        }
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
        Some(Registered { breaker, conflict: conflict.map(Arc::new), warnings: Warnings::default() })
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

    pub(super) const fn config_order(&self) -> &Mutex<()> {
        &self.config_order
    }

    pub(super) const fn config_loads(&self) -> &ConfigLoads {
        &self.config_loads
    }

    pub(super) fn contents(&self) -> MutexGuard<'_, Contents> {
        lock(&self.contents)
    }
}

impl Contents {
    pub(super) fn replace_layers(&mut self, layers: Layers) {
        self.layers = layers;
        self.config_version += 1;
    }
}

impl StoredBreaker {
    fn new(breaker: AnyBreaker, registration: Registration, settings: BreakerSettings) -> Self {
        let mut stored = Self { breaker, registration, applied: None };
        stored.set_applied(settings);
        stored
    }

    /// Remembers the settings that the configuration has applied.
    pub(super) fn set_applied(&mut self, settings: BreakerSettings) {
        let in_code = BreakerSettings::same(self.registration.settings.clone());
        self.applied = (!settings.is_equal_to(&in_code)).then(|| Box::new(settings));
    }

    /// Returns `true` if the configuration has applied these settings.
    pub(super) fn has_applied(&self, settings: &BreakerSettings) -> bool {
        match &self.applied {
            Some(applied) => settings.is_equal_to(applied),
            None => settings.is_equal_to(&BreakerSettings::same(self.registration.settings.clone())),
        }
    }

    /// Returns `true` if the breaker has settings of [`set_config`](CircuitBreaker::set_config) that are not those which
    /// the configuration has applied. They take precedence over it.
    pub(super) fn has_settings_by_hand(&self) -> bool {
        let keys_differ = match (&self.breaker, &self.applied) {
            (AnyBreaker::Keyed(breaker), Some(applied)) => !breaker.settings().keys().eq(applied.keys()),
            (AnyBreaker::Keyed(_), None) | (AnyBreaker::Single(_), _) => false,
        };
        let applied = self.applied.as_ref().map_or(&self.registration.settings, |applied| &applied.all);
        keys_differ || !self.breaker.config().is_equal_to(applied)
    }

    /// Returns `true` if such settings take precedence over this section: those of the breaker or, if the section is
    /// for one key, those of its circuit.
    pub(super) fn takes_precedence_over(&self, section: &ConfigSection) -> bool {
        section.matches(self.breaker.name())
            && (self.has_settings_by_hand() || section.key().is_some_and(|key| self.has_own_settings(key)))
    }

    fn has_own_settings(&self, key: &str) -> bool {
        match &self.breaker {
            AnyBreaker::Single(_) => false,
            AnyBreaker::Keyed(breaker) => {
                breaker.find(key).is_some_and(|circuit| circuit.circuit().has_own_settings())
            }
        }
    }
}

impl<B: RegistryBreaker> Registered<B> {
    fn into_any(self) -> Registered<AnyBreaker> {
        Registered { breaker: self.breaker.into_any(), conflict: self.conflict, warnings: self.warnings }
    }
}

impl RegistryEntry {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Registered(breaker) => breaker.name(),
            Self::Declared(uncalled) => uncalled.declaration.name(),
        }
    }

    /// Returns the snapshot of the breaker, or of a new circuit for a function that has not been called yet.
    pub(crate) fn snapshot(&self, clock: &Clock) -> Snapshot {
        match self {
            Self::Registered(breaker) => breaker.snapshot(),
            Self::Declared(Uncalled { declaration, settings }) => {
                let identity = Identity::Alone { name: Name::Static(declaration.name()) };
                let unused =
                    CircuitBreaker::new_unchecked(identity, settings.clone(), clock.clone()).snapshot();
                Snapshot { keys: declaration.max_keys().map(|_| KeyCounts::default()), ..unused }
            }
        }
    }
}
