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
//! | route | |
//! |---|---|
//! | `GET /` | the dashboard: one page that loads nothing from elsewhere |
//! | `GET /health/circuits` | for a readiness probe: 200, or 503 while a critical circuit rejects calls; with `?all` every circuit is critical |
//! | `GET /circuits` | `{"circuits": [..]}`, sorted by name |
//! | `GET /circuits/{name}` | one of them; with `?key=eu-1` the circuit of that key |
//! | `GET /circuits/stream` | the same as server-sent events, once a second |
//! | `GET /metrics` | what Prometheus scrapes, with the feature `prometheus` |
//! | `POST /circuits/{name}/force-open`, `../force-close`, `../disable`, `../release`, `../reset` | commands, once there is a [`Dashboard::token`]; with `?key=eu-1` for the circuit of that key, without for all that a breaker has |
//!
//! A name is percent-encoded, slashes too: `/circuits/billing%2Fcharge`. A circuit that is called `stream` is at
//! `/circuits/%73tream`. Browsers cannot address one that is called `.` or `..`. What goes wrong is `{"error": "what, and what to do about it"}`: 400, 401, 403, 404, 405, 409
//! or 503. Reading needs no token; where names are secret, put the router behind a layer of your own. The
//! runtime must have its timers enabled, as that of `#[tokio::main]` has.
//!
//! # Health
//!
//! ```json
//! {"status": "degraded", "circuits": {"payment": {"state": "open", "error_rate": 0.5, "total_calls": 10,
//!  "rejected_calls": 2, "retry_after": 27.5, "critical": true}}}
//! ```
//!
//! It is `degraded` while any circuit is not closed. The answer is 503 while a critical circuit is open and not
//! yet due, or forced open. One that is due or half-open needs calls to recover, so the probe must not keep
//! them away. `error_rate` is that of the window or, where none holds a call, of all calls; null without a
//! call. Ask it for readiness, never for liveness: an open circuit is the application working.
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
//!                   "why": "5 of 10 calls failed (limit 0.5)",
//!                   "trip": {"rule": "failure_rate", "found": 5, "calls": 10, "limit": 0.5},
//!                   "last_failure": "no route to host", "initiator": null}]}
//! ```
//!
//! Times are in seconds; one that is never over is null. States are `closed`, `open`, `half_open`, `forced_open`
//! and `disabled`; a function that was declared and never called has the state `uncalled`, and `declared_at` says
//! where it stands. `settings` holds the settings by the builder's names (`window_calls`, `window_time`);
//! `critical` stands beside it, and so does `max_keys`, as `most` of `keys`. `transitions` are the last ten of the
//! breaker since the router was made, all its keys together, the newest first, and the last one before that.
//!
//! A breaker with a circuit for each key is one of these as well: `totals` are those of all its circuits, the
//! other figures are those of the worst one, and `keys` is
//! `{"count": 3, "most": 1000, "states": {"closed": 2, "open": 1, ..}, "worst": [..]}` with the ten worst, each
//! with its `key` and its figures. The key of the overflow circuit is null.
//!
//! # The stream
//!
//! The event `snapshot` is `{"age": 0.5, "controls": false, "circuits": [..]}`: all circuits, as they were half a
//! second ago. After it comes, once a second, the event `delta`: `{"circuits": [..]}` with those that changed,
//! without `settings` and `transitions` where these did not; none is the heartbeat. Time that passes is no change.
//! Every event has an id; who comes back with it as `Last-Event-ID` gets what he missed.
//!
//! A stream ends after half a minute, so that a server that shuts down gracefully does not wait for ever and a
//! client that has died gives its place back; browsers come back by themselves. There are a hundred places; without
//! one the answer is 503. Circuits are looked at once a second for all clients together, and not at all without
//! one. A breaker of more than a thousand keys is looked at less often: one of ten thousand every ten seconds.
//!
//! A client that takes nothing for half a minute is dropped, and its connection with it. That needs HTTP/1
//! without a layer that copies what it sends on, as compression does, or as hyper does where it has no vectored
//! writes: under HTTP/2 let the server ping (`keep_alive_interval`), elsewhere set `TCP_USER_TIMEOUT` on its
//! sockets.
//!
//! # Commands
//!
//! A command on a breaker with keys reaches the circuits that exist now; a key that is new afterwards starts
//! closed.

mod answer;
mod control;
mod feed;
mod health;
mod log;
mod look;
mod page;
mod places;
mod shape;
mod stream;
mod way;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};

use self::answer::{Refusal, json};
use self::control::Token;
use self::feed::Feed;
use self::log::Log;
use self::places::Places;
use self::shape::News;
use crate::registry::Registry;

/// The routes of [this module](self), for those who want more than [`router`] gives.
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
#[must_use = "it does nothing before it is made a router"]
pub struct Dashboard {
    registry: Registry,
    token: Option<Token>,
}

/// What all routes share.
#[derive(Debug)]
struct Panel {
    registry: Registry,
    token: Option<Token>,
    log: Log,
    feed: Feed,
    places: Places,
}

/// Which circuit of a breaker with keys.
#[derive(Deserialize)]
struct Which {
    key: Option<String>,
}

/// The routes of [this module](self), without commands: a dashboard that only looks.
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
    /// Shows the breakers of this registry.
    pub fn new(registry: &Registry) -> Self {
        Self { registry: registry.clone(), token: None }
    }

    /// Obeys the commands of those who know `token`. They send it as `Authorization: Bearer <token>`, and
    /// their name, percent-encoded, as `X-Breaker-Operator: <name>`, which the change then tells as
    /// [`initiator`](crate::Transition::initiator). Without that header nothing is obeyed: a form of another site
    /// cannot send it. An empty token obeys nobody.
    ///
    /// ```sh
    /// curl -X POST -H "Authorization: Bearer $TOKEN" -H "X-Breaker-Operator: alice" \
    ///     http://localhost:3000/circuits/payment/force-open
    /// ```
    pub fn token(mut self, token: &str) -> Self {
        self.token = Token::new(token);
        self
    }

    /// The routes.
    pub fn router(self) -> Router {
        let Self { registry, token } = self;
        let log = Log::of(&registry);
        let panel = Panel { registry, token, log, feed: Feed::new(), places: Places::default() };
        Router::new()
            .route("/", get(page::page))
            .route("/health/circuits", get(health::health))
            .route("/metrics", get(metrics))
            .route("/circuits", get(circuits))
            .route("/circuits/stream", get(stream::stream))
            .route("/circuits/{name}", get(circuit))
            .route("/circuits/{name}/{order}", post(control::obey))
            .method_not_allowed_fallback(async || Refusal::METHOD)
            .route_layer(map_response(answer::guard))
            .with_state(Arc::new(panel))
    }
}

async fn metrics(State(panel): State<Arc<Panel>>) -> Result<Response, Refusal> {
    let page = super::METRICS.ok_or(Refusal::METRICS)?;
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4")], page(&panel.registry)).into_response())
}

async fn circuits(State(panel): State<Arc<Panel>>) -> Response {
    #[derive(Serialize)]
    struct All<'a> {
        circuits: Vec<News<'a>>,
    }

    let breakers: Vec<_> =
        look::all(&panel.registry).iter().map(|watched| watched.look(&panel.log)).collect();
    json(StatusCode::OK, &All { circuits: breakers.iter().map(News::whole).collect() })
}

async fn circuit(
    State(panel): State<Arc<Panel>>,
    name: Result<Path<String>, PathRejection>,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, Refusal> {
    let (Path(name), Query(which)) = (name?, which?);
    let watched = look::find(&panel.registry, &name, which.key.as_deref()).ok_or(Refusal::CIRCUIT)?;
    Ok(json(StatusCode::OK, &News::whole(&watched.look(&panel.log))))
}
