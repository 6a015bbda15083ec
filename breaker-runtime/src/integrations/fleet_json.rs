//! The JSON of a fleet and of its circuits, and commands to it. The format is part of the documentation of
//! `integrations::axum`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::fleet_order::{FleetAction, FleetOrder, FleetRefusal};
use super::serde::seconds;
use crate::fleet::{
    self, FleetCommand, FleetError, FleetReports, FleetStatus, SharedCircuit, StoreErrorKind,
};
use crate::registry::{AnyBreaker, Registry, RegistryEntry};
use crate::snapshot::Snapshot;

/// The fleet of a registry at one moment, if it belongs to one.
#[derive(Debug)]
pub(super) struct FleetReading(Option<FleetStatus>);

/// The summary of the fleet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct FleetSummary {
    namespace: Arc<str>,
    instance: Arc<str>,
    connected: bool,
    last_error: Option<Arc<str>>,
    processes: u32,
}

/// A shared circuit as the fleet sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct FleetCircuit {
    /// The key of the circuit. Of a breaker with keys, an open circuit is shown before one with a command, and of these
    /// the one that is open in the most processes.
    key: Option<String>,
    open: bool,
    reason: Option<Arc<str>>,
    votes: Vec<Arc<str>>,
    dissents: Vec<Arc<str>>,
    open_in: u32,
    processes: u32,
    failed_rounds: u32,
    lease_holder: Option<Arc<str>>,
    due_in: Option<f64>,
    command: Option<CommandJson>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct CommandJson {
    state: &'static str,
    by: Arc<str>,
    why: Arc<str>,
    ends_in: Option<f64>,
}

#[derive(Serialize)]
struct FleetJson<'a> {
    #[serde(flatten)]
    summary: FleetSummary,
    errors: BTreeMap<&'static str, u64>,
    reports: ReportsJson,
    unreadable_records: u64,
    settings_conflicts: u64,
    circuits: Vec<NamedCircuit<'a>>,
}

#[derive(Serialize)]
struct NamedCircuit<'a> {
    name: &'a str,
    #[serde(flatten)]
    circuit: FleetCircuit,
}

#[derive(Serialize)]
struct ReportsJson {
    votes: u64,
    dissents: u64,
    lease_requests: u64,
    leases_granted: u64,
    leases_passed: u64,
    leases_failed: u64,
    leases_expired: u64,
}

impl FleetReading {
    pub(super) fn new(registry: &Registry) -> Self {
        Self(fleet::status(registry))
    }

    pub(super) fn summary(&self) -> Option<FleetSummary> {
        self.0.as_ref().map(FleetSummary::from)
    }

    /// Returns everything about the fleet, if there is one.
    pub(super) fn complete(&self) -> Option<impl Serialize> {
        self.0.as_ref().map(FleetJson::from)
    }

    /// Returns what the fleet knows about a circuit; `None` if the circuit is not shared, or if there is no fleet. Of a
    /// breaker with keys it is that of one of its circuits, which may be shared by its own settings.
    pub(super) fn circuit(&self, entry: &RegistryEntry, snapshot: &Snapshot) -> Option<FleetCircuit> {
        let status = self.0.as_ref()?;
        let (is_shared, has_keys) = (snapshot.settings.shared().is_shared(), snapshot.keys.is_some());
        let shares = |key: Option<&str>| match (entry, key) {
            (RegistryEntry::Registered(AnyBreaker::Keyed(breaker)), Some(key)) => {
                breaker.config_of(key).shared().is_shared()
            }
            (RegistryEntry::Registered(_) | RegistryEntry::Declared(_), _) => is_shared,
        };
        let is_wanted = |circuit: &&SharedCircuit| {
            let key = circuit.key.as_deref();
            circuit.name == snapshot.name() && (has_keys || key == snapshot.key.as_deref()) && shares(key)
        };
        let rank = |circuit: &&SharedCircuit| (circuit.is_open, circuit.command.is_some(), circuit.open_in);
        match status.circuits.iter().filter(is_wanted).max_by_key(rank) {
            Some(worst) => Some(FleetCircuit::new(worst, status.processes)),
            None => is_shared.then(|| FleetCircuit::closed(snapshot.key.as_deref(), status.processes)),
        }
    }
}

/// Gives a command to all processes, and waits until Redis has confirmed it.
///
/// # Errors
///
/// Returns an error if there is no fleet, or if Redis did not confirm the command.
pub(super) async fn run(registry: &Registry, order: FleetOrder) -> Result<(), FleetRefusal> {
    let commander = fleet::commander(registry).ok_or(FleetRefusal::NoFleet)?;
    let FleetOrder { action, circuit, key, by, why } = order;
    let operator = commander.operator(by, why);
    let operator = match key {
        Some(key) => operator.key(key),
        None => operator,
    };
    let result = match action {
        FleetAction::ForceOpen => operator.force_open(&circuit).await,
        FleetAction::ForceClose => operator.force_close(&circuit).await,
        FleetAction::Disable => operator.disable(&circuit).await,
        FleetAction::Release => operator.release(&circuit).await,
    };
    result.map_err(|error| match error {
        FleetError::Left => FleetRefusal::NoFleet,
        FleetError::Name => FleetRefusal::Name(error.to_string()),
        FleetError::Address(_)
        | FleetError::Namespace
        | FleetError::Tick
        | FleetError::NoRuntime
        | FleetError::AlreadyConnected
        | FleetError::NotExecuted { .. } => FleetRefusal::NotConfirmed(error.to_string()),
    })
}

impl FleetCircuit {
    /// Returns `true` if both show the same figures. Times are not compared, because they always change.
    pub(super) fn has_same_figures(&self, other: &Self) -> bool {
        let without_times = |circuit: &Self| Self {
            due_in: None,
            command: circuit.command.clone().map(|command| CommandJson { ends_in: None, ..command }),
            ..circuit.clone()
        };
        without_times(self) == without_times(other)
    }

    fn new(circuit: &SharedCircuit, processes: u32) -> Self {
        Self {
            key: circuit.key.clone(),
            open: circuit.is_open,
            reason: circuit.is_open.then(|| Arc::clone(&circuit.reason)),
            votes: circuit.votes.clone(),
            dissents: circuit.dissents.clone(),
            open_in: circuit.open_in,
            processes,
            failed_rounds: circuit.failed_rounds,
            lease_holder: circuit.lease_holder.clone(),
            due_in: circuit.is_open.then(|| seconds(circuit.due_in)),
            command: circuit.command.as_ref().map(CommandJson::from),
        }
    }

    fn closed(key: Option<&str>, processes: u32) -> Self {
        Self {
            key: key.map(str::to_owned),
            open: false,
            reason: None,
            votes: Vec::new(),
            dissents: Vec::new(),
            open_in: 0,
            processes,
            failed_rounds: 0,
            lease_holder: None,
            due_in: None,
            command: None,
        }
    }
}

impl From<&FleetStatus> for FleetSummary {
    fn from(status: &FleetStatus) -> Self {
        Self {
            namespace: Arc::clone(&status.namespace),
            instance: Arc::clone(&status.instance),
            connected: status.is_connected,
            last_error: status.last_error.clone(),
            processes: status.processes,
        }
    }
}

impl From<&FleetCommand> for CommandJson {
    fn from(command: &FleetCommand) -> Self {
        Self {
            state: if command.is_open { "forced_open" } else { "disabled" },
            by: Arc::clone(&command.by),
            why: Arc::clone(&command.why),
            ends_in: command.ends_in.map(seconds),
        }
    }
}

impl<'a> From<&'a FleetStatus> for FleetJson<'a> {
    fn from(status: &'a FleetStatus) -> Self {
        let count = |kind: StoreErrorKind| (kind.label(), status.errors.count(kind));
        let circuits = status.circuits.iter();
        Self {
            summary: FleetSummary::from(status),
            errors: StoreErrorKind::ALL.into_iter().map(count).collect(),
            reports: ReportsJson::from(status.reports),
            unreadable_records: status.unreadable_records,
            settings_conflicts: status.settings_conflicts,
            circuits: circuits
                .map(|circuit| NamedCircuit {
                    name: &circuit.name,
                    circuit: FleetCircuit::new(circuit, status.processes),
                })
                .collect(),
        }
    }
}

impl From<FleetReports> for ReportsJson {
    fn from(reports: FleetReports) -> Self {
        Self {
            votes: reports.votes,
            dissents: reports.dissents,
            lease_requests: reports.lease_requests,
            leases_granted: reports.leases_granted,
            leases_passed: reports.leases_passed,
            leases_failed: reports.leases_failed,
            leases_expired: reports.leases_expired,
        }
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::FleetReading;
    use crate::config::{Config, ConfigBuilder, Sharing};
    use crate::fleet::{FleetReports, FleetStatus, SharedCircuit, StoreErrors};
    use crate::registry::{AnyBreaker, ConfigLayer, ConfigSection, Registry, RegistryEntry};

    fn open(name: &str, key: &str) -> SharedCircuit {
        SharedCircuit {
            name: name.to_owned(),
            key: Some(key.to_owned()),
            is_open: true,
            reason: "5 failures in a row".into(),
            due_in: Duration::ZERO,
            failed_rounds: 0,
            votes: Vec::new(),
            dissents: Vec::new(),
            open_in: 2,
            lease_holder: None,
            command: None,
        }
    }

    /// Returns a fleet of two processes, in which two circuits of `hosts` are open.
    fn fleet() -> FleetReading {
        FleetReading(Some(FleetStatus {
            namespace: Arc::from("shop"),
            instance: Arc::from("a"),
            is_connected: true,
            has_left: false,
            last_error: None,
            processes: 2,
            errors: StoreErrors::default(),
            reports: FleetReports::default(),
            unreadable_records: 0,
            settings_conflicts: 0,
            circuits: vec![open("hosts", "eu"), open("hosts", "us"), open("others", "eu")],
        }))
    }

    fn shared(sharing: Sharing) -> ConfigBuilder {
        Config::builder().shared(sharing)
    }

    #[test]
    fn a_fleet_shows_only_circuits_of_keys_that_this_process_shares() {
        let registry = Registry::new();
        let hosts = registry.register_keyed("hosts", Config::default(), 9).unwrap();
        let shown = || {
            let entry = RegistryEntry::Registered(AnyBreaker::Keyed(hosts.clone()));
            fleet().circuit(&entry, &hosts.snapshot()).map(|circuit| (circuit.open, circuit.key))
        };
        assert_eq!(shown(), None, "no circuit of this process is shared");
        let of_key = |key: &'static str, sharing| ConfigSection::new("hosts", shared(sharing)).for_key(key);
        registry.apply_layer(ConfigLayer::File, [of_key("eu", Sharing::First)]).unwrap();
        assert_eq!(shown(), Some((true, Some("eu".to_owned()))));
        let local = ["eu", "us"].map(|key| of_key(key, Sharing::Local));
        let all = ConfigSection::new("hosts", shared(Sharing::First));
        registry.apply_layer(ConfigLayer::File, local.into_iter().chain([all])).unwrap();
        assert_eq!(shown(), Some((false, None)), "the fleet knows nothing of the keys that are shared");
    }
}
