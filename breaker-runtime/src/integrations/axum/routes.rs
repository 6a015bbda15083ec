//! The routes, and the handlers that read circuits.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};

use super::app_state::AppState;
use super::bearer::{Tokens, require_read_access};
use super::cache::is_inline;
use super::candidates;
use super::command;
use super::configure::configure;
use super::drill;
use super::error::HttpError;
use super::health::HealthState;
use super::json::{self, CircuitJson};
use super::page::page;
use super::query::{HealthQuery, KeyQuery, NoQuery};
use super::request::{Input, PathValues};
use super::response::{add_security_headers, encode, json};
use super::stream::stream;
use super::view::cost_of;
use crate::integrations::ENCODE_METRICS;
use crate::registry::Registry;

/// Returns the routes of the dashboard. All except the page, which contains no data, and the commands, which have
/// a token of their own, require the right to read.
pub(super) fn dashboard(registry: &Registry, app: Arc<AppState>) -> Router {
    let tokens = Arc::clone(&app.tokens);
    let data = Router::new()
        .route("/metrics", readable(&tokens, get(metrics)))
        .route("/fleet", readable(&tokens, get(fleet)))
        .route("/circuits", readable(&tokens, get(circuits)))
        .route("/circuits/stream", readable(&tokens, get(stream)))
        .route("/circuits/{name}", readable(&tokens, get(circuit)).post(command::run_on_registry))
        .route("/circuits/{name}/drill", post(drill::start))
        .route("/circuits/{name}/stop-drill", post(drill::stop))
        .route("/circuits/{name}/candidates", readable(&tokens, get(candidates::list)))
        .route("/circuits/{name}/promote", post(candidates::promote))
        .route("/circuits/{name}/{command}", post(command::run))
        .route("/circuits/{name}/configure", post(configure))
        .with_state(app);
    let health = get(health).with_state(Arc::new(HealthState::new(registry)));
    let router = Router::new().route("/", get(page)).route("/health/circuits", readable(&tokens, health));
    complete(router.merge(data).merge(unknown_paths(&[
        "/health/circuits/",
        "/health/circuits/{*rest}",
        "/fleet/",
        "/fleet/{*rest}",
        "/metrics/",
        "/metrics/{*rest}",
        "/circuits/",
        "/circuits/{name}/",
        "/circuits/{name}/{command}/",
        "/circuits/{name}/{command}/{*rest}",
    ])))
}

/// Returns the route of the health only.
pub(super) fn health_only(registry: &Registry) -> Router {
    let state = Arc::new(HealthState::new(registry));
    let router = Router::new().route("/health/circuits", get(health)).with_state(state);
    complete(router.merge(unknown_paths(&["/health/circuits/", "/health/circuits/{*rest}"])))
}

/// Returns a route that answers only clients that may read.
fn readable<S: Clone + Send + Sync + 'static>(
    tokens: &Arc<Tokens>,
    route: MethodRouter<S>,
) -> MethodRouter<S> {
    route.route_layer(from_fn_with_state(Arc::clone(tokens), require_read_access))
}

/// Adds what all routes have in common.
fn complete(router: Router) -> Router {
    router
        .method_not_allowed_fallback(async || HttpError::METHOD_NOT_ALLOWED)
        .route_layer(map_response(add_security_headers))
}

/// Returns the routes of paths that begin as those of the dashboard, but are none of them. A fallback would
/// prevent an application with a fallback of its own from merging the router.
fn unknown_paths(paths: &[&str]) -> Router {
    let unknown = || any(async || HttpError::UNKNOWN_PATH);
    paths.iter().fold(Router::new(), |router, path| router.route(path, unknown()))
}

async fn health(
    State(state): State<Arc<HealthState>>,
    Input(HealthQuery { criticality }): Input<HealthQuery>,
) -> Result<Response, HttpError> {
    let report = state.report().await?;
    let is_ready = report.is_ready(criticality);
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(json(status, report.into_body()))
}

async fn metrics(
    State(app): State<Arc<AppState>>,
    Input(NoQuery): Input<NoQuery>,
) -> Result<Response, HttpError> {
    let encode = ENCODE_METRICS.ok_or(HttpError::METRICS_DISABLED)?;
    let text = app.read_all(&app.metrics, move |view| Bytes::from(encode(view.registry()))).await?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

async fn fleet(
    State(app): State<Arc<AppState>>,
    Input(NoQuery): Input<NoQuery>,
) -> Result<Response, HttpError> {
    let body = json::fleet(&app.registry_view).ok_or(HttpError::UNKNOWN_FLEET)?;
    Ok(json(StatusCode::OK, body))
}

async fn circuits(
    State(app): State<Arc<AppState>>,
    Input(NoQuery): Input<NoQuery>,
) -> Result<Response, HttpError> {
    Ok(json(StatusCode::OK, app.read_all(&app.circuits, json::all_circuits).await?))
}

async fn circuit(
    State(app): State<Arc<AppState>>,
    PathValues([name]): PathValues<1>,
    Input(KeyQuery { key }): Input<KeyQuery>,
) -> Result<Response, HttpError> {
    let entry = app.registry_view.find(&name, key.as_deref()).ok_or(HttpError::UNKNOWN_CIRCUIT)?;
    let cost = cost_of(&entry);
    let view = Arc::clone(&app.registry_view);
    let read = move || encode(&CircuitJson::complete(&view.view(&entry, &view.fleet())));
    let body =
        if is_inline(cost) { read() } else { app.large_breaker(&name).get(&app.reader, cost, read).await? };
    Ok(json(StatusCode::OK, body))
}
