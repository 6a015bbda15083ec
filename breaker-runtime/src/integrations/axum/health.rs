//! Health for a readiness endpoint: 503 while a critical circuit, or every circuit of a critical breaker with
//! keys, rejects calls.

use axum::body::Bytes;
use serde::Serialize;
use std::collections::BTreeMap;

use super::query::Criticality;
use super::response::encode;
use super::view::{RegistryView, View};
use crate::integrations::serde::seconds;
use crate::snapshot::Snapshot;
use crate::state::State;

/// The JSON of all circuits, and the circuits that make the service unready.
#[derive(Clone, Debug)]
pub(super) struct HealthReport {
    body: Bytes,
    has_critical_rejection: bool,
    has_rejection: bool,
}

#[derive(Serialize)]
struct Health<'a> {
    status: HealthStatus,
    circuits: BTreeMap<&'a str, CircuitHealth>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum HealthStatus {
    Healthy,
    Degraded,
}

#[derive(Serialize)]
struct CircuitHealth {
    state: State,
    error_rate: Option<f64>,
    total_calls: u64,
    rejected_calls: u64,
    retry_after: Option<f64>,
    critical: bool,
}

impl HealthReport {
    /// Reads all circuits except functions that have never been called.
    pub(super) fn read(registry_view: &RegistryView) -> Self {
        let mut views = registry_view.views();
        views.retain(|view| view.declared_at.is_none());
        Self {
            body: encode(&Health::of(&views)),
            has_critical_rejection: views.iter().any(|view| view.rejects && view.snapshot.critical),
            has_rejection: views.iter().any(|view| view.rejects),
        }
    }

    /// Returns `true` if none of the critical circuits rejects calls.
    pub(super) fn is_ready(&self, criticality: Criticality) -> bool {
        match criticality {
            Criticality::AsConfigured => !self.has_critical_rejection,
            Criticality::AllCircuits => !self.has_rejection,
        }
    }

    pub(super) fn into_body(self) -> Bytes {
        self.body
    }
}

impl<'a> Health<'a> {
    fn of(views: &'a [View]) -> Self {
        let is_healthy = views.iter().all(|view| view.snapshot.state == State::Closed);
        let circuits = views.iter().map(|view| (view.snapshot.name(), CircuitHealth::of(&view.snapshot)));
        Self {
            status: if is_healthy { HealthStatus::Healthy } else { HealthStatus::Degraded },
            circuits: circuits.collect(),
        }
    }
}

impl CircuitHealth {
    fn of(snapshot: &Snapshot) -> Self {
        Self {
            state: snapshot.state,
            error_rate: error_rate(snapshot),
            total_calls: snapshot.totals.calls(),
            rejected_calls: snapshot.totals.rejected,
            retry_after: snapshot.retry_after.map(seconds),
            critical: snapshot.critical,
        }
    }
}

/// Returns the failure rate of the window or, if it holds no call, of all calls. The window of a circuit that
/// has just opened is empty.
#[expect(clippy::cast_precision_loss, reason = "the share of 2^53 calls need not be exact")]
fn error_rate(snapshot: &Snapshot) -> Option<f64> {
    let totals = snapshot.totals;
    let failures = totals.failures + totals.timeouts;
    let calls = totals.successes + failures;
    let of_totals = || (calls > 0).then(|| failures as f64 / calls as f64);
    snapshot.window.and_then(|window| window.failure_rate()).or_else(of_totals)
}
