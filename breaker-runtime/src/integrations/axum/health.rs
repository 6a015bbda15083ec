//! Health for a readiness endpoint: 503 while a critical circuit rejects calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State as Extract};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::app_state::AppState;
use super::error::HttpError;
use super::response::json;
use super::view::View;
use crate::integrations::serde::seconds;
use crate::snapshot::Snapshot;
use crate::state::State;

/// The query string. With `all`, whatever its value, every circuit is treated as critical.
#[derive(Deserialize)]
pub(super) struct HealthQuery {
    all: Option<String>,
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

pub(super) async fn health(
    Extract(app): Extract<Arc<AppState>>,
    query: Result<Query<HealthQuery>, QueryRejection>,
) -> Result<Response, HttpError> {
    let Query(HealthQuery { all }) = query?;
    let mut views = app.registry_view.views();
    views.retain(|view| view.declared_at.is_none());
    let is_critical = |view: &View| all.is_some() || view.snapshot.critical;
    let is_ready = !views.iter().any(|view| is_critical(view) && view.rejects);
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(json(status, &Health::of(&views)))
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
