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
//! | `GET /fleet` | what the process knows about its fleet (feature `redis`) |
//! | `GET /metrics` | metrics for Prometheus, with the feature `prometheus` |
//! | `POST /circuits/{name}/force-open`, `../force-close`, `../disable`, `../release`, `../reset` | runs a command if a [`Dashboard::token`] is set; with `?key=eu-1` on the circuit of that key, otherwise on all circuits of the breaker |
//! | `GET /circuits/{name}/candidates` | the candidates of the breaker, with the feature `shadow`: `{"candidates": [..]}` |
//! | `POST /circuits/{name}/promote?candidate=strict` | makes the settings of a candidate those of the breaker, if a [`Dashboard::token`] is set |
//! | a command with `?scope=fleet` | runs a command, except `reset`, on the circuit of all processes of the fleet; with `&why=maintenance` |
//! | `POST /circuits/{name}/configure` | replaces the settings that operators have set of a breaker, or with `?key=eu-1` of one key, by a JSON object such as `{"failure_threshold": 9}`; an empty object removes them |
//! | `POST /circuits/{name}/drill?fail=0.3&delay=2s&for=60s`, `../stop-drill` | starts or stops a drill (`breaker_runtime::chaos`) with the feature `chaos`; also with `key`, `delay_share` and `seed` |
//! | `POST /circuits/force-open`, and so on | runs a command on all circuits of the registry |
//!
//! The router claims `/`, `/fleet` and `/metrics`, so nest it, as above, unless the application has no routes of its
//! own. The dashboard is then at exactly `/breakers`, without a trailing slash. The path may have parameters, as in
//! `/{version}/breakers`.
//!
//! Only `configure` reads a body, of at most 16 KiB; a longer one is refused with status 413. Requests have no query
//! parameters other than those in the table, each at most once. Any other request is refused with status 400 and
//! changes nothing: a command with a misspelled `key` does not apply to all circuits.
//!
//! Names are percent-encoded, including slashes: `/circuits/billing%2Fcharge`. A circuit named `stream` has
//! the path `/circuits/%73tream`. Browsers cannot request a circuit named `.` or `..`.
//!
//! The router requires a tokio runtime with timers, such as that of `#[tokio::main]`.
//!
//! # In production
//!
//! Error texts, keys and names of operators are internal data, so require a token to read them. The health contains
//! none of them and has a router of its own, which the orchestrator can read without a token. Event streams end when
//! the server shuts down, so that an open dashboard does not delay it:
//!
//! ```
//! use breaker_runtime::Registry;
//! use breaker_runtime::integrations::axum::{Dashboard, health_router};
//!
//! let registry = Registry::global();
//! let variable = |name: &str| std::env::var(name).unwrap_or_default();
//! # let shutdown_signal = std::future::pending();
//! let dashboard = Dashboard::new(&registry)
//!     .read_token(&variable("BREAKER_READ_TOKEN")) // an empty token permits no client
//!     .token(&variable("BREAKER_TOKEN")) // for commands; an empty one disables them
//!     .shutdown(shutdown_signal); // the one that `axum::serve` gets
//! let app = axum::Router::new()
//!     .merge(health_router(&registry)) // GET /health/circuits
//!     .nest("/breakers", dashboard.router());
//! # let _: axum::Router = app;
//! ```
//!
//! [`Dashboard::shutdown`] shows such a signal. The example `payments` in the repository is a whole service, with
//! tests.
//!
//! The page asks for the token in the browser. Prometheus sends it with `authorization: {credentials: ..}` in its
//! scrape configuration.
//!
//! # Errors
//!
//! An error has the body `{"error": "<text>"}` and one of these statuses:
//!
//! | status | reason |
//! |---|---|
//! | 400 | the path, the query string, the name of the operator or the settings are invalid, or the request has a body that its route does not read, or one that cannot be read. The text names the parameter and lists the accepted ones |
//! | 401 | the token for reading or for commands is missing or wrong; the header `WWW-Authenticate` is `Bearer` |
//! | 403 | commands are disabled, the header with the name of the operator is missing, or the configured read token is empty |
//! | 404 | the path, circuit, key, candidate or command is unknown, `/metrics` lacks the feature `prometheus` or a drill the feature `chaos`, or there is no fleet |
//! | 405 | the route does not support the method; the header `Allow` lists the supported ones |
//! | 409 | a command for a breaker with keys of which none has been used, and so no circuit exists; with `scope=fleet`, a command without a fleet or for a circuit that is not shared; a candidate whose settings contradict those of the breaker; settings for a breaker whose settings the program has replaced by `set_config` |
//! | 413 | the settings are longer than 16 KiB |
//! | 500 | reading the circuits panicked, or the runtime is shutting down |
//! | 502 | Redis did not confirm a command with `scope=fleet`. It may have been executed nevertheless |
//! | 503 | all slots of the stream are in use, or the server is shutting down; the header `Retry-After` contains the seconds to wait |
//!
//! Other paths, such as `/other`, are left to the application.
//!
//! # Many circuits
//!
//! The time of a response is proportional to the number of circuits. The stream reads them once a second for all
//! clients together, and sends those that have changed.
//!
//! With more than about 200 keys, or more than 20 breakers, circuits are read on a thread for blocking work
//! ([`spawn_blocking`]) instead of an async thread. Functions that have never been called count like breakers.
//! `/health/circuits` does so only with more than 200 keys or 100 breakers, and ignores such functions. Circuits are
//! read there for one request at a time, and separately for `/health/circuits`, which waits for no other route.
//! Requests that arrive in the meantime wait for the result and share it. With more than 10,000 keys, or more than
//! 1,000 breakers (5,000 for `/health/circuits`), a result is also used for later requests for up to a second. It
//! follows that a response of `/health/circuits` is at most a second older than its request. A command over HTTP is
//! visible in every response that is requested after it, over any router of the registry.
//!
//! Calls that hang on such threads can occupy all of them, 512 by default. Until one of them is free, only readings on
//! an async thread respond, such as `GET /circuits/{name}` of a breaker with at most 200 keys. All others wait, such as
//! `/metrics` and the stream with more than 20 breakers. [Commands](#commands) take effect. The setting
//! [`max_concurrent`](crate::ConfigBuilder::max_concurrent) of the protected functions limits how many threads their
//! calls occupy.
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
//! [`health_router`] returns this route alone, which requires no token. Use it as a readiness endpoint, not as a
//! liveness endpoint: an open circuit is no reason to restart the process.
//!
#![doc = include_str!("axum/circuit.md")]
//!
//! # A fleet
//!
//! If the registry belongs to a fleet (feature `redis`), each shared circuit has `fleet`, which is null otherwise:
//!
//! ```json
//! {"key": null, "open": true, "reason": "5 failures in a row (limit 5)", "votes": ["a:17-3f2c"], "dissents": [],
//!  "open_in": 4, "processes": 4, "failed_rounds": 0, "lease_holder": null, "due_in": 27.5,
//!  "command": {"state": "forced_open", "by": "alice", "why": "maintenance", "ends_in": null}}
//! ```
//!
//! - `open` and `reason` are those of the circuit of the fleet. `open_in` is the number of processes in which it is
//!   open, of `processes` in all. `votes` and `dissents` name processes that found the dependency failing and working.
//! - `lease_holder` is the process that makes trial calls now; `due_in` is the time until the fleet makes some, zero if
//!   they are due, and null if the circuit is closed.
//! - `command` is the command of an operator to all processes: `forced_open` or `disabled`. `ends_in` is null if it
//!   applies until it is released.
//! - A breaker with keys shows one circuit and its key: an open one before one with a command, and of these the one
//!   that is open in the most processes. With `?key=..` the circuit of that key is shown.
//!
//! `GET /fleet` returns the fields of [`FleetStatus`]: `namespace`, `instance` (the name of this process), `connected`,
//! `last_error`, `processes`, `errors` by kind, `reports`, `unreadable_records`, `settings_conflicts`, and in
//! `circuits` those that are open or have a vote or a command, each with its `name` and the fields above. The events of
//! the stream have the first five of them as `fleet`.
//!
//! [`FleetStatus`]: ../../fleet/struct.FleetStatus.html
//!
//! # The stream
//!
//! The first event is a `snapshot`: `{"age": 0.5, "controls": false, "circuits": [..]}`. `age` is the time since the
//! circuits were read, and `controls` is true if there is a token. Then a `delta` follows every second:
//! `{"circuits": [..]}` contains the circuits that changed, without `settings`, `sources`, `settings_changes` and
//! `transitions` unless those changed. Once the feature `config` has loaded a configuration, `GET /circuits`, the
//! `snapshot` and each `delta` after a load also have `config`: `{"applied": 1, "refused": 0, "last_applied": 2.5,
//! "last_error": null}` counts the loads, with the time since the last one that was applied and the reason why the last
//! one was refused, in at most 8 KiB. Times are not compared. An empty delta is a heartbeat. A client that reconnects
//! with the id of its last event as `Last-Event-ID` receives the changes that it missed.
//!
//! A stream ends after 30 s, so that a disconnected client does not keep its slot. It ends at once, with the event
//! `shutdown` and the data `{}`, when the signal of [`Dashboard::shutdown`] completes. A client that reads its last
//! event slowly may finish it, unless another client needs the slot. The page and the `EventSource` of browsers
//! reconnect automatically. There are 100 slots; when all are in use, the response is 503. Circuits are read once a
//! second for all clients together, and not at all without a client. A breaker with more than a thousand keys is read
//! less often: with ten thousand keys, every ten seconds.
//!
//! A client that reads nothing for 30 s is disconnected. This requires HTTP/1, no layer that buffers or
//! transforms the body, such as compression, and a connection with vectored writes. Under HTTP/2 configure
//! pings (`keep_alive_interval`); otherwise set `TCP_USER_TIMEOUT` on the sockets.
//!
//! # Rejected calls in handlers
//!
//! A handler can return a [`BreakerError`](crate::BreakerError), an [`IntoResponse`](::axum::response::IntoResponse):
//!
//! ```
//! use axum::http::StatusCode;
//! use axum::response::IntoResponse as _;
//! use breaker_runtime::{BreakerError, ErrorKind};
//!
//! async fn charge() -> Result<String, BreakerError> {
//!     // calls an annotated function
//! #   Err(BreakerError::new("payment", ErrorKind::HalfOpen))
//! }
//! # let _: axum::Router = axum::Router::new().route("/charge", axum::routing::post(charge));
//!
//! let response = BreakerError::new("payment", ErrorKind::TimedOut).into_response();
//! assert_eq!(response.status(), StatusCode::GATEWAY_TIMEOUT);
//! ```
//!
//! The status is 504 for a call that `call_timeout` stopped, and 503 for every rejected call. If the error knows
//! when the circuit admits a call again, the header `Retry-After` contains the seconds until then, rounded up. The
//! body is `{"error": "<text>", "circuit": "payment", "kind": "open", "retry_after": 27}` with a fixed text and the
//! [label](crate::ErrorKind::label) of the kind. It contains neither the key nor the last failure.
//!
#![doc = include_str!("axum/commands.md")]

mod announcements;
mod app_state;
mod bearer;
mod broadcast;
mod cache;
mod candidates;
mod chunked;
mod clients;
mod command;
mod drill;
mod configure;
mod error;
mod health;
mod json;
mod page;
mod query;
mod registry_commands;
mod rejection;
mod request;
mod response;
mod routes;
mod settings_log;
mod shutdown;
mod stream;
mod transition_log;
mod view;

use std::sync::Arc;

use axum::Router;

use self::app_state::AppState;
use self::bearer::{BearerToken, ReadAccess, Tokens};
use self::shutdown::Shutdown;
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
    tokens: Tokens,
    shutdown: Shutdown,
}

/// Returns the routes of [this module](self), with commands disabled and reading permitted to all clients.
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

/// Returns the route `GET /health/circuits` alone, which requires no token.
///
/// It is for the orchestrator, beside a dashboard with a [read token](Dashboard::read_token). The response is that of
/// the same route of the dashboard: names, states and counts. It contains no error texts, keys, settings or operators.
///
/// Merge it into the application, and nest the dashboard: a router cannot contain two routes with the same path,
/// and axum panics if both routers are merged at one path.
///
/// ```
/// use breaker_runtime::Registry;
/// use breaker_runtime::integrations::axum::{Dashboard, health_router};
///
/// let registry = Registry::global();
/// let token = std::env::var("BREAKER_READ_TOKEN").unwrap_or_default();
/// let app = axum::Router::new()
///     .merge(health_router(&registry))
///     .nest("/breakers", Dashboard::new(&registry).read_token(&token).router());
/// # let _: axum::Router = app;
/// ```
pub fn health_router(registry: &Registry) -> Router {
    routes::health_only(registry)
}

impl Dashboard {
    /// Creates a dashboard of all breakers in a registry, with commands disabled and reading permitted to all
    /// clients.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::integrations::axum::Dashboard;
    ///
    /// let dashboard = Dashboard::new(&Registry::global());
    /// let app = axum::Router::new().nest("/breakers", dashboard.router());
    /// # let _: axum::Router = app;
    /// ```
    pub fn new(registry: &Registry) -> Self {
        let tokens = Tokens { reading: ReadAccess::AnyClient, commands: None };
        Self { registry: registry.clone(), tokens, shutdown: Shutdown::default() }
    }

    /// Enables commands for requests that carry this token.
    ///
    /// A command needs two headers: `Authorization: Bearer <token>`, and `X-Breaker-Operator: <name>` with the
    /// percent-encoded name of the operator: 1 to 255 bytes with a visible character, and without control characters,
    /// invisible characters and those that change the direction of the text. The name becomes the
    /// [`initiator`](crate::Transition::initiator) of the transition. A cross-site form cannot send the second header,
    /// and so cannot run a command.
    ///
    /// White space around the token is ignored. Use printable ASCII characters: the page accepts no others. An empty
    /// token leaves commands disabled. The token also permits reading where a [read token](Self::read_token) is
    /// required.
    ///
    /// ```sh
    /// curl -X POST -H "Authorization: Bearer $TOKEN" -H "X-Breaker-Operator: alice" \
    ///     http://localhost:3000/breakers/circuits/payment/force-open
    /// ```
    pub fn token(mut self, token: &str) -> Self {
        self.tokens.commands = BearerToken::new(token);
        self
    }

    /// Requires this token, or the one of [`token`](Self::token), to read circuits. The default is that all clients
    /// may read.
    ///
    /// Every route except the page `/`, which contains no data, then needs the header
    /// `Authorization: Bearer <token>`. Any other request is answered with status 401, and its response contains
    /// nothing about the circuits. Tokens are compared in constant time. The page asks for the token and keeps it
    /// until its tab is closed. Serve the dashboard over TLS, because the token is part of each request.
    ///
    /// The orchestrator needs no token for the route of [`health_router`].
    ///
    /// White space around the token is ignored. Use printable ASCII characters: the page accepts no others. An empty
    /// token permits no client to read (status 403, whose text the page shows), so that a missing environment variable
    /// does not publish the circuits.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::integrations::axum::Dashboard;
    ///
    /// let token = std::env::var("BREAKER_READ_TOKEN").unwrap_or_default();
    /// let router = Dashboard::new(&Registry::global()).read_token(&token).router();
    /// # let _: axum::Router = router;
    /// ```
    ///
    /// ```sh
    /// curl -H "Authorization: Bearer $BREAKER_READ_TOKEN" http://localhost:3000/breakers/circuits
    /// ```
    pub fn read_token(mut self, token: &str) -> Self {
        self.tokens.reading = ReadAccess::with_token(token);
        self
    }

    /// Ends all event streams when `signal` completes, so that an open dashboard does not delay a graceful shutdown.
    /// The default is that each stream ends on its own, up to 30 s later.
    ///
    /// A stream ends with the event `shutdown`, after which the page reconnects until the server is back. A client
    /// that does not read is disconnected within a second. New streams are refused with status 503. All other routes
    /// continue to respond.
    ///
    /// No task runs for the signal: the streams poll it, and a request for a stream polls it once. So use a signal that
    /// stays complete, such as that of a watch channel. `tokio::signal::ctrl_c` only completes after a Ctrl-C that
    /// follows its first poll. A signal that panics counts as completed. One stream polls the signal for all others. If
    /// its body is neither polled nor dropped, as a middleware that holds it could do, the others end only when it is
    /// dropped.
    ///
    /// ```
    /// use breaker_runtime::Registry;
    /// use breaker_runtime::integrations::axum::Dashboard;
    /// use tokio::sync::watch;
    ///
    /// // The program sends `true` when it receives SIGTERM.
    /// let (sender, receiver) = watch::channel(false);
    /// let signal = |mut receiver: watch::Receiver<bool>| async move {
    ///     _ = receiver.wait_for(|is_shutting_down| *is_shutting_down).await;
    /// };
    /// let dashboard = Dashboard::new(&Registry::global()).shutdown(signal(receiver.clone()));
    /// let app = axum::Router::new().nest("/breakers", dashboard.router());
    /// // axum::serve(listener, app).with_graceful_shutdown(signal(receiver))
    /// # let _: (axum::Router, watch::Sender<bool>) = (app, sender);
    /// ```
    pub fn shutdown(mut self, signal: impl Future<Output = ()> + Send + 'static) -> Self {
        self.shutdown = Shutdown::new(signal);
        self
    }

    /// Creates the router.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// use axum::{body::Body, http::Request};
    /// use breaker_runtime::{Registry, integrations::axum::Dashboard};
    /// use tower::ServiceExt as _;
    ///
    /// let router = Dashboard::new(&Registry::new()).router();
    /// let response = router.oneshot(Request::get("/health/circuits").body(Body::empty())?).await?;
    /// assert_eq!(response.status(), 200);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn router(self) -> Router {
        let app = AppState::new(&self.registry, self.tokens, self.shutdown);
        routes::dashboard(&self.registry, Arc::new(app))
    }
}
