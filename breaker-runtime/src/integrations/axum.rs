//! A dashboard in the browser, health checks, and all circuits as JSON (feature `axum`).
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
//! | `GET /` | the dashboard: a self-contained page |
//! | `GET /health/circuits` | 200, or 503 while a critical circuit rejects calls; with `?all` or `?all=true` every circuit is treated as critical |
//! | `GET /circuits` | `{"circuits": [..]}`, sorted by name |
//! | `GET /circuits/{name}` | one breaker; with `?key=eu-1` the circuit of that key |
//! | `GET /circuits/stream` | all circuits as server-sent events, once a second |
//! | `GET /metrics` | metrics for Prometheus, with the feature `prometheus` |
//! | `POST /circuits/{name}/force-open`, `../force-close`, `../disable`, `../release`, `../reset` | runs a command if a [`Dashboard::token`] is set; with `?key=eu-1` on the circuit of that key, otherwise on all circuits of the breaker |
//!
//! The router claims `/` and `/metrics`, so nest it, as above, unless the application has no routes of its
//! own. The dashboard is then at exactly `/breakers`, without a trailing slash.
//!
//! Requests have no body, and no query parameters other than those in the table, each at most once. Any other
//! request is refused with status 400 and changes nothing: a command with a misspelled `key` does not apply to
//! all circuits.
//!
//! Names are percent-encoded, including slashes: `/circuits/billing%2Fcharge`. A circuit named `stream` has
//! the path `/circuits/%73tream`. Browsers cannot request a circuit named `.` or `..`.
//!
//! Reading requires no token. If names or error texts are confidential, protect the router with a layer of
//! your own. The router requires a tokio runtime with timers, such as that of `#[tokio::main]`.
//!
//! # Errors
//!
//! An error has the body `{"error": "<text>"}` and one of these statuses:
//!
//! | status | reason |
//! |---|---|
//! | 400 | the path, the query string or the name of the operator is invalid, or the request has a body. The text names the parameter and lists the accepted ones |
//! | 401 | the token is missing or wrong |
//! | 403 | commands are disabled, or the header with the name of the operator is missing |
//! | 404 | the path, circuit, key or command is unknown, or `/metrics` lacks the feature `prometheus` |
//! | 405 | the route does not support the method; the header `Allow` lists the supported ones |
//! | 409 | a command for a function that has never been called, and so has no circuit |
//! | 500 | reading the circuits panicked, or the runtime is shutting down |
//! | 503 | all slots of the stream are in use; the header `Retry-After` contains the seconds to wait |
//!
//! Other paths, such as `/other`, are left to the application.
//!
//! # Many circuits
//!
//! With more than about 200 keys, or more than 20 breakers, circuits are read on a thread for blocking work
//! ([`spawn_blocking`]) instead of an async thread, for one request at a time, and separately for `/health/circuits`, which waits for no other route. Requests that arrive in the
//! meantime wait for the result and share it. With more than 10,000 keys, or more than 1,000 breakers, a result
//! is also used for later requests for up to a second. It follows that a response of `/health/circuits` is at
//! most a second older than its request. A command over HTTP is visible in every response that is requested
//! after it, over any router of the registry. Commands run listeners; no other request waits for them.
//!
//! [`spawn_blocking`]: https://docs.rs/tokio/latest/tokio/task/fn.spawn_blocking.html
//!
//! # Hidden characters
//!
//! In responses, control characters, invisible characters and those that change the direction of the text are
//! escaped, so that no name or error text can forge a line or move the cursor of a terminal. JSON escapes them
//! as in `\u202e`, so a parser returns the original text. The page and `/metrics` show `\u{202e}`.
//!
//! # Health
//!
//! ```json
//! {"status": "degraded", "circuits": {"payment": {"state": "open", "error_rate": 0.5, "total_calls": 10,
//!  "rejected_calls": 2, "retry_after": 27.5, "critical": true}}}
//! ```
//!
//! The status is `degraded` while any circuit is not closed, which includes disabled circuits; otherwise it
//! is `healthy`. The response is 503 while a critical circuit rejects calls: while it is forced open, or open
//! without a trial call being due. A circuit that is half-open, or whose trial call is due, does not make the
//! service unready: it needs calls to recover. A circuit that is disabled or in shadow mode rejects nothing.
//! Functions that have never been called are not included.
//!
//! A critical breaker with keys makes the service unready only while every one of its existing circuits
//! rejects calls. The overflow circuit is not a key and does not count. A breaker whose keys have no circuit
//! yet does not make the service unready. Whether the breaker is critical is a setting of the breaker, so the
//! own settings of one circuit do not change it. `state` and `retry_after` are those of the worst
//! circuit, so a breaker can be `open` in a response with status 200; `GET /circuits/{name}` lists its keys.
//!
//! `error_rate` is the failure rate of the window or, if the window is empty, of all calls; null without a
//! call. With keys, it is that of all calls.
//!
//! Use this route as a readiness endpoint, not as a liveness endpoint: an open circuit is no reason to
//! restart the process.
//!
//! # A circuit
//!
//! ```json
//! {"name": "payment", "key": null, "state": "open", "time_in_state": 2.5, "retry_after": 27.5, "ramp": null, "generation": 1,
//!  "critical": true, "consecutive_failures": 0,
//!  "window": {"calls": 0, "failures": 0, "slow": 0, "failure_rate": null, "slow_call_rate": null},
//!  "trials_in_flight": 0, "calls_in_flight": null,
//!  "totals": {"successes": 8, "failures": 5, "timeouts": 0, "ignored": 0, "rejected": 2,
//!             "rejections": {"open": 2, "half_open": 0, "ramping": 0, "forced_open": 0, "bulkhead": 0},
//!             "fallbacks": {"successes": 2, "failures": 0}},
//!  "shadow_rejections": 0, "durations": {"count": 13, "mean": 0.05, "p50": 0.04, "p95": 0.3, "p99": 0.3},
//!  "time_open": 2.5, "opened": 1, "keys": null,
//!  "settings": {"failure_threshold": null, "failure_rate": 0.5, "recovery_timeout": 30.0, "mode": "enforce", ..},
//!  "transitions": [{"key": null, "ago": 2.5, "from": "closed", "to": "open", "cause": "threshold_reached",
//!                   "generation": 1, "trip": {"rule": "failure_rate", "found": 5, "calls": 10, "limit": 0.5},
//!                   "last_failure": "no route to host", "initiator": null,
//!                   "why": "5 of 10 calls failed (limit 0.5)"}]}
//! ```
//!
//! Times are in seconds; `Duration::MAX` is null. The fields are those of a [`Snapshot`](crate::Snapshot)
//! except `mode` (in `settings`), `changes` and `last_transition` (in `transitions`), and these:
//!
//! - `state` is `closed`, `open`, `half_open`, `forced_open`, `disabled`, or `uncalled` for a function that
//!   has never been called. Such a function also has `declared_at`, its location in the source.
//! - `opened` counts the changes to open and forced open.
//! - `settings` contains every setting by the name of its builder method, except `critical` and `max_keys`.
//! - `transitions` contains at most ten transitions, newest first: those since the router was created and, if
//!   older, the last one. Each has the fields of a [`Transition`](crate::Transition), its `key`, `ago` (the
//!   time since the transition) and `why` (its reason in words). `trip` is the threshold that was reached, in
//!   the format of [`integrations::serde`](crate::integrations::serde), or null.
//!
//! A breaker with keys has `keys`:
//! `{"count": 3, "most": 1000, "states": {"closed": 2, "open": 1, ..}, "worst": [..]}`. `most` is `max_keys`,
//! and `worst` contains the ten worst circuits, each with its `key` and figures. The key of the overflow
//! circuit is null. The `totals` of the breaker are the sums of all circuits; its other figures are those of
//! the worst circuit.
//!
//! # The stream
//!
//! The first event is a `snapshot`: `{"age": 0.5, "controls": false, "circuits": [..]}`. `age` is the time
//! since the circuits were read, and `controls` is true if there is a token. Then a `delta` follows every
//! second: `{"circuits": [..]}` contains the circuits that changed, without `settings` and `transitions`
//! unless those changed. Times are not compared. An empty delta is a heartbeat. A client that reconnects with
//! the id of its last event as `Last-Event-ID` receives the changes that it missed.
//!
//! A stream ends after 30 s, so that it does not delay a graceful shutdown and a disconnected client does not
//! keep its slot. A client that reads its last event slowly may finish it, unless another client needs the
//! slot. Browsers reconnect automatically. There are 100 slots; when all are in use, the response is 503. Circuits are read once a second for all clients together, and not at all without a client. A breaker
//! with more than a thousand keys is read less often: with ten thousand keys, every ten seconds.
//!
//! A client that reads nothing for 30 s is disconnected. This requires HTTP/1, no layer that buffers or
//! transforms the body, such as compression, and a connection with vectored writes. Under HTTP/2 configure
//! pings (`keep_alive_interval`); otherwise set `TCP_USER_TIMEOUT` on the sockets.
//!
//! # Commands
//!
//! A command on a breaker with keys applies to its existing circuits. A circuit that is created later starts
//! closed. The response is that of `GET /circuits/{name}` after the command.

mod app_state;
mod broadcast;
mod cache;
mod chunked;
mod clients;
mod command;
mod error;
mod health;
mod json;
mod page;
mod query;
mod request;
mod response;
mod stream;
mod token;
mod transition_log;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};

use self::app_state::AppState;
use self::cache::is_inline;
use self::error::HttpError;
use self::json::CircuitJson;
use self::query::{HealthQuery, KeyQuery, NoQuery};
use self::request::Input;
use self::response::{encode, json};
use self::token::CommandToken;
use self::view::cost_of;
use crate::registry::Registry;

/// Builds the dashboard's router, optionally with commands.
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
/// let app = axum::Router::new().nest("/breakers", router(&Registry::global()));
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
    /// A command needs two headers: `Authorization: Bearer <token>`, and `X-Breaker-Operator: <name>` with
    /// the percent-encoded name of the operator: 1 to 255 bytes with a visible character, and without control
    /// characters, invisible characters and those that change the direction of the text. The name becomes the [`initiator`](crate::Transition::initiator) of the transition. A cross-site form cannot send the
    /// second header, and so cannot run a command.
    ///
    /// White space around the token is ignored. An empty token leaves commands disabled.
    ///
    /// ```sh
    /// curl -X POST -H "Authorization: Bearer $TOKEN" -H "X-Breaker-Operator: alice" \
    ///     http://localhost:3000/breakers/circuits/payment/force-open
    /// ```
    pub fn token(mut self, token: &str) -> Self {
        self.token = CommandToken::new(token);
        self
    }

    /// Creates the router.
    pub fn router(self) -> Router {
        Router::new()
            .route("/", get(page::page))
            .route("/health/circuits", get(health))
            .route("/metrics", get(metrics))
            .route("/circuits", get(circuits))
            .route("/circuits/stream", get(stream::stream))
            .route("/circuits/{name}", get(circuit))
            .route("/circuits/{name}/{command}", post(command::run))
            .merge(unknown_paths())
            .method_not_allowed_fallback(async || HttpError::METHOD_NOT_ALLOWED)
            .route_layer(map_response(response::add_security_headers))
            .with_state(Arc::new(AppState::new(&self.registry, self.token)))
    }
}

/// Returns the routes of paths that begin as those of the dashboard, but are none of them. A fallback would
/// prevent an application with a fallback of its own from merging the router.
fn unknown_paths() -> Router<Arc<AppState>> {
    let paths = [
        "/health/circuits/",
        "/health/circuits/{*rest}",
        "/metrics/",
        "/metrics/{*rest}",
        "/circuits/",
        "/circuits/{name}/",
        "/circuits/{name}/{command}/",
        "/circuits/{name}/{command}/{*rest}",
    ];
    let unknown = || any(async || HttpError::UNKNOWN_PATH);
    paths.into_iter().fold(Router::new(), |router, path| router.route(path, unknown()))
}

async fn health(
    State(app): State<Arc<AppState>>,
    Input(HealthQuery { criticality }): Input<HealthQuery>,
) -> Result<Response, HttpError> {
    let report = app.read_health().await?;
    let is_ready = report.is_ready(criticality);
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok(json(status, report.into_body()))
}

async fn metrics(
    State(app): State<Arc<AppState>>,
    Input(NoQuery): Input<NoQuery>,
) -> Result<Response, HttpError> {
    let encode = super::ENCODE_METRICS.ok_or(HttpError::METRICS_DISABLED)?;
    let text = app.read_all(&app.metrics, move |view| Bytes::from(encode(view.registry()))).await?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

async fn circuits(
    State(app): State<Arc<AppState>>,
    Input(NoQuery): Input<NoQuery>,
) -> Result<Response, HttpError> {
    Ok(json(StatusCode::OK, app.read_all(&app.circuits, json::all_circuits).await?))
}

async fn circuit(
    State(app): State<Arc<AppState>>,
    name: Result<Path<String>, PathRejection>,
    Input(KeyQuery { key }): Input<KeyQuery>,
) -> Result<Response, HttpError> {
    let Path(name) = name?;
    let entry = app.registry_view.find(&name, key.as_deref()).ok_or(HttpError::UNKNOWN_CIRCUIT)?;
    let cost = cost_of(&entry);
    let view = Arc::clone(&app.registry_view);
    let read = move || encode(&CircuitJson::complete(&view.view(&entry)));
    let body =
        if is_inline(cost) { read() } else { app.large_breaker(&name).get(&app.reader, cost, read).await? };
    Ok(json(StatusCode::OK, body))
}
