//! What a readiness probe asks: whether this instance can do its work.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::answer::{Refusal, json};
use super::shape::{Breaker, CLOSED, Passing, UNCALLED};
use super::{Panel, look};

/// Which circuits are critical: those that say so or, if this is there with any value, all.
#[derive(Deserialize)]
pub(super) struct Asked {
    all: Option<String>,
}

#[derive(Serialize)]
struct Health<'a> {
    status: Status,
    circuits: BTreeMap<&'a str, Circuit>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Healthy,
    Degraded,
}

#[derive(Serialize)]
struct Circuit {
    state: &'static str,
    error_rate: Option<f64>,
    total_calls: u64,
    rejected_calls: u64,
    retry_after: Option<Passing>,
    critical: bool,
}

pub(super) async fn health(
    State(panel): State<Arc<Panel>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(Asked { all }) = asked?;
    let mut breakers: Vec<_> =
        look::all(&panel.registry).iter().map(|watched| watched.look(&panel.log)).collect();
    breakers.retain(|breaker| breaker.figures.state != UNCALLED);
    let is_ready = !breakers
        .iter()
        .any(|breaker| (all.is_some() || breaker.figures.critical) && breaker.figures.rejects);
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(json(status, &Health::of(&breakers)))
}

impl<'a> Health<'a> {
    fn of(breakers: &'a [Breaker]) -> Self {
        let is_healthy = breakers.iter().all(|breaker| breaker.figures.state == CLOSED);
        let circuits = breakers.iter().map(|breaker| (breaker.name(), Circuit::of(breaker))).collect();
        Self { status: if is_healthy { Status::Healthy } else { Status::Degraded }, circuits }
    }
}

impl Circuit {
    fn of(breaker: &Breaker) -> Self {
        let figures = &breaker.figures;
        Self {
            state: figures.state,
            error_rate: figures.error_rate(),
            total_calls: figures.totals.calls(),
            rejected_calls: figures.totals.rejected,
            retry_after: figures.retry_after,
            critical: figures.critical,
        }
    }
}
