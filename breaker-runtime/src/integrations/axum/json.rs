//! The JSON of circuits. Its format is part of the documentation of [the integration](super).

mod configuration;
mod settings;

use axum::body::Bytes;
use serde::Serialize;

use super::response::encode;
use super::view::{KeysView, RegistryView, TransitionView, View};
use crate::integrations::fleet_json::FleetCircuit;
use crate::integrations::serde::{SnapshotFigures, Sources, seconds};
use crate::snapshot::{KeyCounts, Snapshot};
use crate::state::{State, Transition};
pub(super) use configuration::ConfigStatusJson;
use configuration::SettingsChangeJson;
use settings::SettingsJson;

/// The label of a function that has never been called, in place of a state.
pub(super) const UNCALLED: &str = "uncalled";

/// A breaker, or the circuit of one key.
#[derive(Serialize)]
pub(super) struct CircuitJson<'a> {
    name: &'a str,
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    declared_at: Option<&'a str>,
    state: &'static str,
    #[serde(flatten)]
    figures: FiguresJson<'a>,
    keys: Option<KeysJson<'a>>,
    fleet: Option<&'a FleetCircuit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings: Option<SettingsJson>,
    /// The source of each setting that does not have its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<Sources<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settings_changes: Option<Vec<SettingsChangeJson<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transitions: Option<Vec<TransitionJson<'a>>>,
}

/// The figures of one circuit, and how often it opened.
#[derive(Serialize)]
struct FiguresJson<'a> {
    #[serde(flatten)]
    figures: SnapshotFigures<'a>,
    opened: u64,
}

/// The circuits of a breaker with keys.
#[derive(Serialize)]
struct KeysJson<'a> {
    count: u64,
    most: usize,
    states: KeyCounts,
    worst: Vec<KeyJson<'a>>,
}

/// One entry of `worst`.
#[derive(Serialize)]
struct KeyJson<'a> {
    key: Option<&'a str>,
    state: State,
    #[serde(flatten)]
    figures: FiguresJson<'a>,
}

/// A transition, the time since then, and its reason in words.
#[derive(Serialize)]
struct TransitionJson<'a> {
    key: Option<&'a str>,
    ago: f64,
    #[serde(flatten)]
    transition: &'a Transition,
    why: String,
}

/// Returns the JSON of all breakers.
pub(super) fn all_circuits(registry_view: &RegistryView) -> Bytes {
    #[derive(Serialize)]
    struct AllCircuits<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        config: Option<ConfigStatusJson>,
        circuits: Vec<CircuitJson<'a>>,
    }

    let views = registry_view.views();
    let config = registry_view.config_status().map(ConfigStatusJson::from);
    encode(&AllCircuits { config, circuits: views.iter().map(CircuitJson::complete).collect() })
}

/// Returns the JSON of the fleet, if the registry belongs to one.
pub(super) fn fleet(registry_view: &RegistryView) -> Option<Bytes> {
    registry_view.fleet().complete().as_ref().map(encode)
}

impl<'a> CircuitJson<'a> {
    /// Returns everything that a view shows.
    pub(super) fn complete(view: &'a View) -> Self {
        Self::figures(view).with_settings(view).with_transitions(view)
    }

    /// Returns a view without its settings and transitions.
    pub(super) fn figures(view: &'a View) -> Self {
        let snapshot = &view.snapshot;
        Self {
            name: &snapshot.name,
            key: snapshot.key.as_deref(),
            declared_at: view.declared_at.as_deref(),
            state: if view.declared_at.is_some() { UNCALLED } else { snapshot.state.label() },
            figures: FiguresJson::from(snapshot),
            keys: view.keys.as_ref().map(KeysJson::from),
            fleet: view.fleet.as_ref(),
            settings: None,
            sources: None,
            settings_changes: None,
            transitions: None,
        }
    }

    pub(super) fn with_settings(self, view: &'a View) -> Self {
        let settings = &view.snapshot.settings;
        let sources = Some(Sources(settings));
        let settings_changes = Some(view.settings_changes.iter().map(SettingsChangeJson::from).collect());
        Self { settings: Some(SettingsJson::from(&**settings)), sources, settings_changes, ..self }
    }

    pub(super) fn with_transitions(self, view: &'a View) -> Self {
        Self { transitions: Some(view.transitions.iter().map(TransitionJson::from).collect()), ..self }
    }
}

impl<'a> From<&'a Snapshot> for FiguresJson<'a> {
    fn from(snapshot: &'a Snapshot) -> Self {
        Self { figures: SnapshotFigures(snapshot), opened: openings(snapshot) }
    }
}

/// Returns the number of changes to open and forced open from another state, like the metric of state changes: a
/// command that restarts a state is no change of it.
fn openings(snapshot: &Snapshot) -> u64 {
    let pairs = State::ALL.into_iter().flat_map(|from| [State::Open, State::ForcedOpen].map(|to| (from, to)));
    pairs.filter(|(from, to)| from.can_become(*to)).map(|(from, to)| snapshot.changes.count(from, to)).sum()
}

impl<'a> From<&'a KeysView> for KeysJson<'a> {
    fn from(keys: &'a KeysView) -> Self {
        let worst = keys.worst.iter().map(KeyJson::from).collect();
        Self { count: keys.states.total(), most: keys.max_keys, states: keys.states, worst }
    }
}

impl<'a> From<&'a Snapshot> for KeyJson<'a> {
    fn from(snapshot: &'a Snapshot) -> Self {
        Self { key: snapshot.key.as_deref(), state: snapshot.state, figures: FiguresJson::from(snapshot) }
    }
}

impl<'a> From<&'a TransitionView> for TransitionJson<'a> {
    fn from(view: &'a TransitionView) -> Self {
        let transition = &*view.transition;
        let why = transition.trip.map_or_else(|| transition.cause.to_string(), |trip| trip.to_string());
        Self { key: view.key.as_deref(), ago: seconds(view.ago), transition, why }
    }
}
