//! Reads breakers one after the other, without changing them. This module does not know HTTP.

use std::cmp::Reverse;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::cache::{BREAKER_COST, Cost, MAX_UNCACHED_COST};
use super::settings_log::{SettingsChangeView, SettingsLog};
use super::transition_log::{MAX_TRANSITIONS, TransitionLog};
use crate::breaker::CircuitBreaker;
use crate::clock::{Clock, Moment};
use crate::drill::ActiveDrill;
use crate::event::StateChange;
use crate::integrations::fleet_json::{FleetCircuit, FleetReading};
use crate::registry::{AnyBreaker, ConfigStatus, Declaration, KeyedBreaker, Registry, RegistryEntry};
use crate::snapshot::{Combination, KeyCounts, Snapshot};
use crate::state::Transition;

/// The cost of resolving the settings of one section.
const SECTION_COST: Cost = 5;
/// The number of sections that cost one when a breaker looks for its own.
const SEARCHES: usize = 100;
/// Maximum number of circuits shown of a breaker with keys.
const MAX_WORST: usize = 10;

/// The breakers of a registry as the dashboard shows them, with their last transitions.
#[derive(Debug)]
pub(super) struct RegistryView {
    registry: Registry,
    log: TransitionLog,
    settings_log: SettingsLog,
}

/// A breaker at one moment.
#[derive(Debug)]
pub(super) struct View {
    /// The snapshot of the circuit, or the snapshot that combines the circuits of a breaker with keys.
    pub(super) snapshot: Snapshot,
    /// The location of a function that has never been called.
    pub(super) declared_at: Option<String>,
    pub(super) keys: Option<KeysView>,
    /// The data of the fleet about a shared circuit.
    pub(super) fleet: Option<FleetCircuit>,
    /// The last transitions, newest first.
    pub(super) transitions: Vec<TransitionView>,
    /// The last changes of the settings, newest first.
    pub(super) settings_changes: Vec<SettingsChangeView>,
}

/// The circuits of a breaker with keys.
#[derive(Debug)]
pub(super) struct KeysView {
    pub(super) max_keys: usize,
    pub(super) states: KeyCounts,
    /// The worst circuits, at most [`MAX_WORST`], worst first.
    pub(super) worst: Vec<Snapshot>,
}

#[derive(Debug)]
pub(super) struct TransitionView {
    pub(super) key: Option<Arc<str>>,
    at: Moment,
    /// Time since the transition.
    pub(super) ago: Duration,
    pub(super) transition: Arc<Transition>,
}

impl RegistryView {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            registry: registry.clone(),
            log: TransitionLog::new(registry),
            settings_log: SettingsLog::new(registry),
        }
    }

    pub(super) fn registry(&self) -> &Registry {
        &self.registry
    }

    pub(super) fn clock(&self) -> &Clock {
        self.registry.clock()
    }

    /// Returns all breakers, and the functions that will register one, sorted by name.
    pub(super) fn entries(&self) -> Vec<RegistryEntry> {
        self.registry.entries()
    }

    /// Returns the breaker of this name or, with a key, the circuit of this key. Registers none, because it reads only.
    pub(super) fn find(&self, name: &str, key: Option<&str>) -> Option<RegistryEntry> {
        let store = self.registry.store();
        let registered = store.registered(name);
        let Some(key) = key else {
            return registered
                .map(RegistryEntry::Registered)
                .or_else(|| store.declared_as(name).map(|it| RegistryEntry::Declared(store.uncalled(it))));
        };
        let Some(AnyBreaker::Keyed(breakers)) = registered else {
            return None;
        };
        let circuit = breakers.find(key)?;
        Some(RegistryEntry::Registered(AnyBreaker::Single(circuit)))
    }

    /// Returns the cost of reading all breakers, and the functions that will register one. Stops counting where it
    /// makes no difference.
    pub(super) fn cost(&self) -> Cost {
        let registered = cost_of_all(&self.registry, BREAKER_COST);
        if registered > MAX_UNCACHED_COST {
            return registered;
        }
        let most = (MAX_UNCACHED_COST - registered) / BREAKER_COST + 1;
        registered + self.registry.store().count_uncalled(most) * BREAKER_COST
    }

    /// Returns the cost of applying settings: each breaker looks for its sections, and each section is resolved, also if
    /// no call uses its key.
    pub(super) fn settings_cost(&self) -> Cost {
        let (cost, sections) = (self.cost(), self.registry.store().count_sections());
        cost + sections * (SECTION_COST + cost / BREAKER_COST / SEARCHES)
    }

    /// Returns how the configuration was loaded, if anything has loaded one.
    pub(super) fn config_status(&self) -> Option<ConfigStatus> {
        self.registry.config_status()
    }

    /// Returns what the process knows about its fleet.
    pub(super) fn fleet(&self) -> FleetReading {
        FleetReading::new(&self.registry)
    }

    pub(super) fn view(&self, entry: &RegistryEntry, fleet: &FleetReading) -> View {
        let view = match entry {
            RegistryEntry::Registered(AnyBreaker::Single(breaker)) => self.view_single(breaker),
            RegistryEntry::Registered(AnyBreaker::Keyed(breaker)) => self.view_keyed(breaker),
            RegistryEntry::Declared(uncalled) => {
                Self::view_declared(uncalled.declaration, entry.snapshot(self.clock()))
            }
        };
        let Snapshot { name, key, .. } = &view.snapshot;
        View {
            fleet: fleet.circuit(entry, &view.snapshot),
            settings_changes: self.settings_log.of(name, key.as_deref()),
            ..view
        }
    }

    /// Returns the views of all breakers, sorted by name.
    pub(super) fn views(&self) -> Vec<View> {
        let fleet = self.fleet();
        self.entries().iter().map(|entry| self.view(entry, &fleet)).collect()
    }

    fn view_single(&self, breaker: &CircuitBreaker) -> View {
        let snapshot = breaker.snapshot();
        let logged = match &snapshot.key {
            Some(key) => self.log.of_circuit(&snapshot.name, key),
            None => self.log.of_breaker(&snapshot.name),
        };
        View {
            transitions: with_last_transitions(logged, std::slice::from_ref(&snapshot), self.clock().now()),
            declared_at: None,
            keys: None,
            fleet: None,
            settings_changes: Vec::new(),
            snapshot,
        }
    }

    fn view_keyed(&self, breaker: &KeyedBreaker) -> View {
        let mut combination = Combination::new(MAX_WORST);
        let snapshot = breaker.combine(&mut combination);
        let worst = combination.worst;
        let logged = self.log.of_breaker(breaker.name());
        View {
            transitions: with_last_transitions(logged, &worst, self.clock().now()),
            declared_at: None,
            keys: KeysView::new(&snapshot, breaker.max_keys(), worst),
            fleet: None,
            settings_changes: Vec::new(),
            snapshot,
        }
    }

    /// Returns the view of a function that has never been called.
    fn view_declared(declaration: &Declaration, snapshot: Snapshot) -> View {
        View {
            declared_at: Some(declaration.location().to_string()),
            keys: declaration.max_keys().and_then(|max_keys| KeysView::new(&snapshot, max_keys, Vec::new())),
            fleet: None,
            settings_changes: Vec::new(),
            transitions: Vec::new(),
            // It has neither a window nor durations to show.
            snapshot: Snapshot { window: None, durations: None, ..snapshot },
        }
    }
}

impl View {
    /// Returns `true` if both show the same figures. Times are not compared, because they always change.
    pub(super) fn has_same_figures(&self, other: &Self) -> bool {
        let is_declared = |view: &Self| view.declared_at.is_some();
        let keys_are_same = match (&self.keys, &other.keys) {
            (Some(one), Some(other)) => one.is_same(other),
            (one, other) => one.is_none() && other.is_none(),
        };
        let fleets_are_same = match (&self.fleet, &other.fleet) {
            (Some(one), Some(other)) => one.has_same_figures(other),
            (one, other) => one.is_none() && other.is_none(),
        };
        let figures_are_same = keys_are_same && fleets_are_same;
        is_declared(self) == is_declared(other)
            && figures_are_same
            && is_same(&self.snapshot, &other.snapshot)
    }

    /// Returns `true` if both show the same settings, changed by the same configurations.
    pub(super) fn has_same_settings(&self, other: &Self) -> bool {
        let changes =
            |view: &Self| view.settings_changes.iter().map(|it| it.change.clone()).collect::<Vec<_>>();
        self.snapshot.settings == other.snapshot.settings && changes(self) == changes(other)
    }

    pub(super) fn has_same_transitions(&self, other: &Self) -> bool {
        let without_times = |view: &Self| {
            let transitions = view.transitions.iter();
            transitions.map(|it| (it.key.clone(), Arc::clone(&it.transition))).collect::<Vec<_>>()
        };
        without_times(self) == without_times(other)
    }
}

impl TransitionView {
    /// Returns `true` if this transition began the generation of the snapshot. A later circuit of the same key holds
    /// another copy of its text.
    fn is_last_of(&self, circuit: &Snapshot) -> bool {
        let is_same_circuit = match (&self.key, &circuit.key) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        };
        is_same_circuit && self.transition.generation == circuit.generation
    }
}

impl KeysView {
    /// Returns `None` if the snapshot is not that of a breaker with keys.
    fn new(combined: &Snapshot, max_keys: usize, worst: Vec<Snapshot>) -> Option<Self> {
        combined.keys.map(|states| Self { max_keys, states, worst })
    }

    fn is_same(&self, other: &Self) -> bool {
        let worst_are_same = || self.worst.iter().zip(&other.worst).all(|(one, other)| is_same(one, other));
        self.states == other.states && self.worst.len() == other.worst.len() && worst_are_same()
    }
}

/// Returns the cost of reading all registered breakers, each of which costs `per_breaker` besides its keys. Stops
/// counting where it makes no difference.
pub(super) fn cost_of_all(registry: &Registry, per_breaker: Cost) -> Cost {
    let mut cost = 0;
    registry.store().visit(|breaker| {
        cost += per_breaker + key_count(breaker);
        if cost > MAX_UNCACHED_COST { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    cost
}

/// Returns the cost of reading one breaker or one circuit.
pub(super) fn cost_of(entry: &RegistryEntry) -> Cost {
    match entry {
        RegistryEntry::Registered(breaker) => key_count(breaker),
        RegistryEntry::Declared(_) => 0,
    }
}

/// Returns the number of circuits of a breaker with keys, otherwise zero.
fn key_count(breaker: &AnyBreaker) -> usize {
    match breaker {
        AnyBreaker::Single(_) => 0,
        AnyBreaker::Keyed(breaker) => breaker.len(),
    }
}

/// Compares snapshots without their times.
fn is_same(one: &Snapshot, other: &Snapshot) -> bool {
    let without_times = |snapshot: &Snapshot| Snapshot {
        time_in_state: Duration::ZERO,
        since: Moment::NEVER,
        retry_after: snapshot.retry_after.map(|_| Duration::ZERO),
        time_open: Duration::ZERO,
        drill: snapshot.drill.clone().map(|drill| ActiveDrill { remaining: Duration::ZERO, ..drill }),
        ..snapshot.clone()
    };
    without_times(one) == without_times(other)
}

/// Adds the last transition of each circuit. The log lacks it if it is older than the log or has not been
/// delivered yet. Of too many transitions, the newest ones and the last one of the first circuit remain.
fn with_last_transitions(
    logged: Vec<StateChange>,
    circuits: &[Snapshot],
    now: Moment,
) -> Vec<TransitionView> {
    let view = |key, at, transition| TransitionView { key, at, ago: now.since(at), transition };
    let logged = logged.into_iter();
    let mut transitions: Vec<_> =
        logged.map(|StateChange { id, transition, at }| view(id.key, at, transition)).collect();
    let mut others = Vec::new();
    for circuit in circuits {
        let Some(last) = &circuit.last_transition else { continue };
        if !transitions.iter().any(|it| it.is_last_of(circuit)) {
            others.push(view(circuit.key.clone(), circuit.since, Arc::clone(last)));
        }
    }
    // Moments are compared, and not ages, which are read at different times. Each reading has the same order.
    others.sort_by(|one, other| one.key.cmp(&other.key));
    transitions.append(&mut others);
    transitions.sort_by_key(|transition| Reverse(transition.at));
    let first = circuits.first().and_then(|first| transitions.iter().position(|it| it.is_last_of(first)));
    if let Some(index) = first.filter(|index| *index >= MAX_TRANSITIONS) {
        transitions.swap(MAX_TRANSITIONS - 1, index);
    }
    transitions.truncate(MAX_TRANSITIONS);
    transitions
}
