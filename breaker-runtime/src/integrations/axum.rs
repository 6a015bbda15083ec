//! A dashboard in the browser, health for the orchestrator, and all circuits as JSON (feature `axum`).
//!
//! ```no_run
//! use breaker_runtime::Registry;
//! use breaker_runtime::integrations::axum::router;
//!
//! let app = axum::Router::new().nest("/breakers", router(&Registry::global()));
//! // axum::serve(listener, app)
//! # let _: axum::Router = app;
//! ```
//!
//! | route | response |
//! |---|---|
//! | `GET /` | the dashboard: one page that loads nothing from elsewhere |
//! | `GET /health/circuits` | 200, or 503 while a critical circuit rejects calls; with `?all` every circuit is critical |
//! | `GET /circuits` | `{"circuits": [..]}`, sorted by name |
//! | `GET /circuits/{name}` | one breaker; with `?key=eu-1` the circuit of that key |
//! | `GET /circuits/stream` | all circuits as server-sent events, once a second |
//! | `GET /metrics` | metrics for Prometheus, with the feature `prometheus` |
//! | `POST /circuits/{name}/force-open`, `../force-close`, `../disable`, `../release`, `../reset` | runs a command if a [`Dashboard::token`] is set; with `?key=eu-1` on the circuit of that key, otherwise on all circuits of the breaker |
//!
//! Names are percent-encoded, including slashes: `/circuits/billing%2Fcharge`. A circuit named `stream` has the path
//! `/circuits/%73tream`. Browsers cannot request a circuit named `.` or `..`.
//!
//! Errors have the body `{"error": "<text>"}` and the status 400, 401, 403, 404, 405, 409 or 503.
//!
//! Reading requires no token. If names or error texts are confidential, protect the router with a layer of your own.
//! The router requires a tokio runtime with timers, such as that of `#[tokio::main]`.
//!
//! # Health
//!
//! ```json
//! {"status": "degraded", "circuits": {"payment": {"state": "open", "error_rate": 0.5, "total_calls": 10,
//!  "rejected_calls": 2, "retry_after": 27.5, "critical": true}}}
//! ```
//!
//! The status is `degraded` while any circuit is not closed, otherwise `healthy`. The response is 503 while a critical
//! circuit is forced open, or open and not yet due for a trial call. A circuit that is due or half-open does not make
//! the service unready: it needs calls to recover.
//!
//! `error_rate` is the failure rate of the window or, if the window is empty, of all calls; null without a call.
//!
//! Use this route as a readiness probe, not as a liveness probe: an open circuit is no reason to restart
//! the process.
//!
//! # A circuit
//!
//! ```json
//! {"name": "payment", "key": null, "state": "open", "time_in_state": 2.5, "retry_after": 27.5, "generation": 1,
//!  "critical": true, "consecutive_failures": 0,
//!  "window": {"calls": 0, "failures": 0, "slow": 0, "failure_rate": null, "slow_call_rate": null},
//!  "trials_in_flight": 0, "calls_in_flight": null,
//!  "totals": {"successes": 8, "failures": 5, "timeouts": 0, "ignored": 0, "rejected": 2,
//!             "rejections": {"open": 2, "half_open": 0, "forced_open": 0, "bulkhead": 0},
//!             "fallbacks": {"successes": 2, "failures": 0}},
//!  "shadow_rejections": 0, "durations": {"count": 13, "mean": 0.05, "p50": 0.04, "p95": 0.3, "p99": 0.3},
//!  "time_open": 2.5, "opened": 1, "keys": null, "settings": {"failure_threshold": null, "failure_rate": 0.5},
//!  "transitions": [{"key": null, "ago": 2.5, "from": "closed", "to": "open", "cause": "threshold_reached", "generation": 1,
//!                   "trip": {"rule": "failure_rate", "found": 5, "calls": 10, "limit": 0.5},
//!                   "last_failure": "no route to host", "initiator": null,
//!                   "why": "5 of 10 calls failed (limit 0.5)"}]}
//! ```
//!
//! Times are in seconds; `Duration::MAX` is null. The fields are those of a [`Snapshot`](crate::Snapshot), see
//! [`integrations::serde`](crate::integrations::serde), and these:
//!
//! - `state` is `closed`, `open`, `half_open`, `forced_open`, `disabled`, or `uncalled` for a function that was never
//!   called. Such a function also has `declared_at`, its location in the source.
//! - `opened` counts the changes to open and forced open.
//! - `settings` holds the settings by the names of their builder methods, except `critical` and `max_keys`.
//! - `transitions` holds the last ten transitions of the breaker since the router was created, newest first, and the
//!   last transition before that. `why` is the reason in words.
//!
//! A breaker with keys has `keys`:
//! `{"count": 3, "most": 1000, "states": {"closed": 2, "open": 1, ..}, "worst": [..]}`. `most` is `max_keys`, and
//! `worst` holds the ten worst circuits, each with its `key` and figures. The key of the overflow circuit is null. The
//! `totals` of the breaker are the sums of all circuits; its other figures are those of the worst circuit.
//!
//! # The stream
//!
//! The first event is a `snapshot`: `{"age": 0.5, "controls": false, "circuits": [..]}`, all circuits as they were
//! half a second ago. `controls` is true if there is a token. Then a `delta` follows every second:
//! `{"circuits": [..]}` holds the circuits that changed, without `settings` and `transitions` unless those changed. An
//! empty delta is a heartbeat. Time that passes is not a change. A client that reconnects with the id of its last event
//! as `Last-Event-ID` receives the changes that it missed.
//!
//! A stream ends after 30 s, so that it does not delay a graceful shutdown and a dead client does not keep its slot.
//! Browsers reconnect on their own. There are 100 slots; when all are in use the response is 503. Circuits are read
//! once a second for all clients together, and not at all without a client. A breaker with more than a thousand keys
//! is read less often: with ten thousand keys every ten seconds.
//!
//! A client that reads nothing for 30 s is dropped together with its connection. This requires HTTP/1 without a
//! layer that copies the body, such as compression, and a connection with vectored writes. Under HTTP/2 configure
//! pings (`keep_alive_interval`); otherwise set `TCP_USER_TIMEOUT` on the sockets.
//!
//! # Commands
//!
//! A command on a breaker with keys applies to its existing circuits. The circuit of a key that appears later starts
//! closed.

mod app_state;
mod broadcast;
mod chunked;
mod clients;
mod command;
mod error;
mod health;
mod json;
mod page;
mod response;
mod stream;
mod token;
mod transition_log;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;

use self::app_state::{AppState, KeyQuery};
use self::error::HttpError;
use self::json::CircuitJson;
use self::token::CommandToken;
use crate::registry::Registry;

/// A builder for a router with more than [`router`] provides, such as commands.
///
/// ```
/// use breaker_runtime::Registry;
/// use breaker_runtime::integrations::axum::Dashboard;
///
/// let token = std::env::var("BREAKER_TOKEN").unwrap_or_default();
/// let router = Dashboard::new(&Registry::global()).token(&token).router();
/// # let _: axum::Router = router;
/// ```
#[derive(Debug)]
#[must_use = "a dashboard does nothing until `router` is called"]
pub struct Dashboard {
    registry: Registry,
    token: Option<CommandToken>,
}

/// Returns the routes of [this module](self), with commands disabled.
///
/// ```
/// use breaker_runtime::Registry;
/// use breaker_runtime::integrations::axum::router;
///
/// let app = axum::Router::new().merge(router(&Registry::global()));
/// # let _: axum::Router = app;
/// ```
pub fn router(registry: &Registry) -> Router {
    Dashboard::new(registry).router()
}

impl Dashboard {
    /// Creates a dashboard of all breakers in a registry, with commands disabled.
    pub fn new(registry: &Registry) -> Self {
        Self { registry: registry.clone(), token: None }
    }

    /// Enables commands for requests that carry this token.
    ///
    /// A command needs two headers: `Authorization: Bearer <token>`, and `X-Breaker-Operator: <name>` with the
    /// percent-encoded name of the operator, up to 255 bytes. The name becomes the
    /// [`initiator`](crate::Transition::initiator) of the transition. A form of another site cannot send the second
    /// header, so it cannot run a command either.
    ///
    /// White space around the token is ignored. An empty token leaves commands disabled.
    ///
    /// ```sh
    /// curl -X POST -H "Authorization: Bearer $TOKEN" -H "X-Breaker-Operator: alice" \
    ///     http://localhost:3000/circuits/payment/force-open
    /// ```
    pub fn token(mut self, token: &str) -> Self {
        self.token = CommandToken::new(token);
        self
    }

    /// Creates the router.
    pub fn router(self) -> Router {
        Router::new()
            .route("/", get(page::page))
            .route("/health/circuits", get(health::health))
            .route("/metrics", get(metrics))
            .route("/circuits", get(circuits))
            .route("/circuits/stream", get(stream::stream))
            .route("/circuits/{name}", get(circuit))
            .route("/circuits/{name}/{command}", post(command::run))
            .method_not_allowed_fallback(async || HttpError::METHOD_NOT_ALLOWED)
            .route_layer(map_response(response::add_security_headers))
            .with_state(Arc::new(AppState::new(&self.registry, self.token)))
    }
}

async fn metrics(State(app): State<Arc<AppState>>) -> Result<Response, HttpError> {
    let encode = super::ENCODE_METRICS.ok_or(HttpError::METRICS_DISABLED)?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], encode(app.circuits.registry())).into_response())
}

async fn circuits(State(app): State<Arc<AppState>>) -> Response {
    #[derive(Serialize)]
    struct AllCircuits<'a> {
        circuits: Vec<CircuitJson<'a>>,
    }

    let views = app.circuits.views();
    response::json(
        StatusCode::OK,
        &AllCircuits { circuits: views.iter().map(CircuitJson::complete).collect() },
    )
}

async fn circuit(
    State(app): State<Arc<AppState>>,
    name: Result<Path<String>, PathRejection>,
    query: Result<Query<KeyQuery>, QueryRejection>,
) -> Result<Response, HttpError> {
    let (Path(name), Query(query)) = (name?, query?);
    let entry = app.circuits.find(&name, query.key.as_deref()).ok_or(HttpError::UNKNOWN_CIRCUIT)?;
    Ok(response::json(StatusCode::OK, &CircuitJson::complete(&app.circuits.view(&entry))))
}
