//! Looking at breakers: one after the other, without changing anything.

use super::log::{LAST, Log};
use super::shape::{Breaker, CLOSED, Figures, Keys, Member, Settings, States, Transition, UNCALLED};
use crate::breaker::CircuitBreaker;
use crate::registry::{AnyBreaker, Declaration, KeyedBreaker, Registry, RegistryEntry};
use crate::snapshot::Snapshot;

/// So many circuits of a breaker with keys are shown.
const WORST: usize = 10;

/// What there is to look at.
pub(super) enum Watched {
    /// A breaker with one circuit, or the circuit of one key.
    Single(CircuitBreaker),
    Keyed(KeyedBreaker),
    /// A function that was never called, so that it has no breaker yet.
    Declared(&'static Declaration),
}

/// All breakers, and those that annotated functions will have, sorted by name.
pub(super) fn all(registry: &Registry) -> Vec<Watched> {
    registry.entries().into_iter().map(Watched::from).collect()
}

pub(super) fn find(registry: &Registry, name: &str, key: Option<&str>) -> Option<Watched> {
    if let Some(key) = key {
        return registry.get_keyed(name)?.find(key).map(Watched::Single);
    }
    registry.entries().into_iter().find(|entry| entry.name() == name).map(Watched::from)
}

impl From<RegistryEntry> for Watched {
    fn from(entry: RegistryEntry) -> Self {
        match entry {
            RegistryEntry::Registered(AnyBreaker::Single(breaker)) => Self::Single(breaker),
            RegistryEntry::Registered(AnyBreaker::Keyed(breaker)) => Self::Keyed(breaker),
            RegistryEntry::Declared(declaration) => Self::Declared(declaration),
        }
    }
}

impl Watched {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Single(breaker) => breaker.name(),
            Self::Keyed(breaker) => breaker.name(),
            Self::Declared(declared) => declared.name(),
        }
    }

    pub(super) fn keys(&self) -> usize {
        match self {
            Self::Single(_) | Self::Declared(_) => 0,
            Self::Keyed(breaker) => breaker.len(),
        }
    }

    /// Those that a command goes to; none of a function that was never called.
    pub(super) fn circuits(&self) -> Option<Vec<CircuitBreaker>> {
        match self {
            Self::Single(breaker) => Some(vec![breaker.clone()]),
            Self::Keyed(breaker) => Some(breaker.iter().collect()),
            Self::Declared(_) => None,
        }
    }

    pub(super) fn look(&self, log: &Log) -> Breaker {
        match self {
            Self::Single(breaker) => look_at_single(breaker, log),
            Self::Keyed(breaker) => look_at_keyed(breaker, log),
            Self::Declared(declared) => look_at_declared(declared),
        }
    }
}

fn look_at_single(breaker: &CircuitBreaker, log: &Log) -> Breaker {
    let snapshot = breaker.snapshot();
    let mut transitions = logged(log, snapshot.name());
    transitions.retain(|transition| transition.key() == snapshot.key());
    Breaker {
        name: snapshot.name().to_owned(),
        key: snapshot.key().map(str::to_owned),
        declared_at: None,
        figures: Figures::from(&snapshot),
        keys: None,
        settings: Settings::from(&breaker.config()),
        transitions: with_last(transitions, std::slice::from_ref(&snapshot)),
    }
}

fn look_at_declared(declared: &Declaration) -> Breaker {
    Breaker {
        name: declared.name().to_owned(),
        key: None,
        declared_at: Some(declared.location().to_string()),
        figures: Figures::resting(UNCALLED, &declared.config()),
        keys: None,
        settings: Settings::from(&declared.config()),
        transitions: Vec::new(),
    }
}

fn look_at_keyed(breaker: &KeyedBreaker, log: &Log) -> Breaker {
    let config = breaker.config();
    let Survey { states, rejects, worst } = survey(breaker.iter());
    let worst_figures = worst.first().map_or_else(|| Figures::resting(CLOSED, &config), Figures::from);
    Breaker {
        name: breaker.name().to_owned(),
        key: None,
        declared_at: None,
        figures: worst_figures.with(breaker.totals(), rejects),
        settings: Settings::from(&config),
        transitions: with_last(logged(log, breaker.name()), &worst),
        keys: Some(Keys {
            count: breaker.len(),
            most: breaker.max_keys(),
            states,
            worst: worst.iter().map(member).collect(),
        }),
    }
}

fn member(snapshot: &Snapshot) -> Member {
    Member { key: snapshot.key().map(str::to_owned), figures: Figures::from(snapshot) }
}

fn logged(log: &Log, name: &str) -> Vec<Transition> {
    let changes = log.of_breaker(name).into_iter();
    changes.map(|(ago, change)| Transition::new(change.key(), ago, change.transition())).collect()
}

/// With the last change of each circuit, which may be from before there was a log, or not told yet.
fn with_last(mut transitions: Vec<Transition>, circuits: &[Snapshot]) -> Vec<Transition> {
    for circuit in circuits {
        let Some(last) = &circuit.last_transition else { continue };
        let last = Transition::new(circuit.key(), circuit.time_in_state, last);
        if !transitions.iter().any(|known| known.is(&last)) {
            transitions.push(last);
        }
    }
    transitions.sort_by_key(Transition::ago);
    transitions.truncate(LAST);
    transitions
}

/// Circuits of one name.
struct Survey {
    /// How many there are in each state.
    states: States,
    /// Whether any of them rejects calls and none is due to try again.
    rejects: bool,
    /// No more than are shown, the very worst first.
    worst: Vec<Snapshot>,
}

fn survey(circuits: impl Iterator<Item = CircuitBreaker>) -> Survey {
    let mut survey =
        Survey { states: States::default(), rejects: false, worst: Vec::with_capacity(WORST + 1) };
    for circuit in circuits {
        let snapshot = circuit.snapshot();
        survey.states.add(snapshot.state);
        survey.rejects |= snapshot.rejects();
        let place = survey.worst.partition_point(|other| badness(other) >= badness(&snapshot));
        if place < WORST {
            survey.worst.insert(place, snapshot);
            survey.worst.truncate(WORST);
        }
    }
    survey
}

/// The larger the worse.
fn badness(circuit: &Snapshot) -> (u8, u64, u64, u64) {
    let totals = circuit.totals;
    let in_window = circuit.window.map_or(0, |window| window.failures);
    (
        circuit.severity(),
        in_window.max(circuit.consecutive_failures.into()),
        totals.failures + totals.timeouts,
        totals.rejected,
    )
}
