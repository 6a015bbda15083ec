//! The metrics of a process that belongs to a fleet, independent of how they are exported. A process that belongs to
//! none has none of them.
//!
//! Every counter starts at zero and exists from the first reading. Circuits are listed while the fleet's status lists
//! them; the figures of a breaker with keys are sums over its keys.

use std::collections::BTreeMap;

use super::series::{MetricPoint, Series, counter, gauge};
use crate::fleet::{self, FleetStatus, SharedCircuit, StoreErrorKind};
use crate::printable::escape_hidden_and_backslash;
use crate::registry::Registry;

pub(super) const SERIES: &[Series<FleetStatus>] = &[
    gauge(
        "circuit_breaker_sync_connected",
        "1 while the process exchanges the states of shared circuits with its fleet, 0 while Redis is away",
        |status| vec![MetricPoint::whole(status.is_connected.into())],
    ),
    counter("circuit_breaker_sync_errors", "Failed exchanges with Redis by kind", errors),
    counter(
        "circuit_breaker_probe_leases",
        "Leases for trial calls on behalf of the fleet: those that the process got, and their results",
        leases,
    ),
    counter("circuit_breaker_fleet_votes", "Votes of the process to open a circuit of the fleet", |status| {
        vec![MetricPoint::whole(status.reports.votes)]
    }),
    counter(
        "circuit_breaker_fleet_dissents",
        "Reports of the process that its calls succeed although the circuit of the fleet is open",
        |status| vec![MetricPoint::whole(status.reports.dissents)],
    ),
    counter(
        "circuit_breaker_fleet_problems",
        "Records that cannot be read, and circuits that other processes share with other settings",
        problems,
    ),
    gauge(
        "circuit_breaker_fleet_processes",
        "Processes of the fleet that Redis has heard of lately",
        |status| vec![MetricPoint::whole(status.processes.into())],
    ),
    gauge(
        "circuit_breaker_fleet_open",
        "1 if the circuit of the fleet is open, otherwise 0; with keys, the number of open ones",
        |status| by_circuit(status, |circuit| circuit.is_open.into()),
    ),
    gauge(
        "circuit_breaker_fleet_open_processes",
        "Processes in which the circuit is open, as far as Redis knows",
        |status| by_circuit(status, |circuit| circuit.open_in.into()),
    ),
];

/// Returns what the series are read from; `None` if the registry belongs to no fleet.
pub(super) fn read(registry: &Registry) -> Option<FleetStatus> {
    fleet::status(registry)
}

fn errors(status: &FleetStatus) -> Vec<MetricPoint> {
    let point = |kind: StoreErrorKind| MetricPoint::labeled("kind", kind.label(), status.errors.count(kind));
    StoreErrorKind::ALL.map(point).into()
}

fn leases(status: &FleetStatus) -> Vec<MetricPoint> {
    let reports = status.reports;
    [
        ("granted", reports.leases_granted),
        ("passed", reports.leases_passed),
        ("failed", reports.leases_failed),
        ("expired", reports.leases_expired),
    ]
    .map(|(outcome, count)| MetricPoint::labeled("outcome", outcome, count))
    .into()
}

fn problems(status: &FleetStatus) -> Vec<MetricPoint> {
    [("unreadable_record", status.unreadable_records), ("settings_conflict", status.settings_conflicts)]
        .map(|(kind, count)| MetricPoint::labeled("kind", kind, count))
        .into()
}

fn by_circuit(status: &FleetStatus, figure: fn(&SharedCircuit) -> u64) -> Vec<MetricPoint> {
    let mut sums = BTreeMap::<&str, u64>::new();
    for circuit in &status.circuits {
        *sums.entry(&circuit.name).or_default() += figure(circuit);
    }
    let label = |name| escape_hidden_and_backslash(name).into_owned();
    sums.into_iter().map(|(name, sum)| MetricPoint::labeled("circuit", label(name), sum)).collect()
}
