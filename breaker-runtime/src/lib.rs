//! A circuit breaker for sync and async functions, with an attribute macro. Closed circuits admit calls
//! without a lock.
//!
//! ```
//! use breaker_runtime::{BreakerError, circuit_breaker};
//!
//! #[circuit_breaker(name = "payment", failure_threshold = 5, fallback = cached_price)]
//! fn price(sku: &str) -> Result<u64, BreakerError> {
//!     Ok(sku.len() as u64) // the real call
//! }
//!
//! fn cached_price(_sku: &str) -> Result<u64, BreakerError> {
//!     Ok(42)
//! }
//!
//! assert_eq!(price("tea")?, 3);
//! # Ok::<(), BreakerError>(())
//! ```
//!
//! After five failures in a row the circuit *opens*: for 30 seconds every call gets the fallback immediately,
//! and the service gets time to recover. Then a few calls are admitted as *trial calls*. Three successful
//! trial calls close the circuit; one failed trial call opens it again.
//!
//! | task | items |
//! |---|---|
//! | Protect a function | [`circuit_breaker`], the attribute with all its keys |
//! | Choose which results are failures, successes or ignored | the keys `failure_if` and `ignore_if` of [`circuit_breaker`]; [`Outcome`] |
//! | Count the statuses 5xx and 429 as failures and other 4xx as successes, with reqwest or hyper | `integrations::http` (feature `http`) |
//! | Keep a circuit open for as long as `Retry-After` says | `integrations::http` (feature `http`), with the key [`retry_after`](circuit_breaker#waiting-as-long-as-the-service-says) |
//! | Choose when a circuit opens, how it recovers, and how many calls may run | [`ConfigBuilder`], every setting with its range and default |
//! | Share a policy among many functions | the key `config` of [`circuit_breaker`](circuit_breaker#a-policy-shared-by-many-functions) |
//! | Protect other code, or control a breaker manually | [`CircuitBreaker`], [`Permit`], [`Operator`] |
//! | Protect a function that returns a stream, or any other stream | the key [`settle`](circuit_breaker#streams), and `integrations::stream` (feature `stream`) |
//! | Protect a spawned task or a callback | [`CircuitBreaker::try_acquire_owned`], [`OwnedPermit`] |
//! | Protect a service of tower, a route of axum, or a client of hyper, reqwest or tonic | `integrations::tower` (feature `tower`), `integrations::tower_http` (features `tower` and `http`) |
//! | Classify the status of a gRPC call | `integrations::tonic` (feature `tonic`) |
//! | Choose a healthy host before a call | [`CircuitBreaker::would_admit`], [`KeyedBreaker::would_admit`] |
//! | Change settings at run time | [`CircuitBreaker::set_config`], and the [exceptions](circuit_breaker#new-settings-at-run-time) |
//! | Share a circuit among all processes of an application | the keys [`shared` and `adopt`](circuit_breaker#circuits-shared-by-many-processes) (feature `redis`) |
//! | Choose between one circuit per process and a shared one, and operate a fleet | [`docs::fleet`] |
//! | Stop a call that takes too long, or detect one that hangs | the keys [`call_timeout`](circuit_breaker#limits-on-a-call) and [`hang`](circuit_breaker#calls-that-hang) |
//! | Notice a pool of connections that makes its callers wait without end | the keys [`call_timeout`](circuit_breaker#limits-on-a-call) and [`cancelled_after`](circuit_breaker#cancelled-calls); `examples/database.rs` |
//! | Find out what a caller's timeout does | [cancelled calls](circuit_breaker#cancelled-calls) |
//! | Call a protected function inside another one of the same circuit | [calls inside calls](circuit_breaker#calls-inside-calls) |
//! | Limit retries to a share of the successes | [`CircuitBreaker::budget`], [`RetryBudget`] |
//! | Combine a circuit with retries, timeouts, a rate limit and a fallback, in the right order | [`docs::composition`] |
//! | Use one circuit for each host, tenant or shard | [`KeyedBreaker`] |
//! | Find out which circuits are evicted | [`KeyedBreaker`] |
//! | Find, list and observe breakers | [`Registry`], [`Snapshot`] |
//! | Force a circuit open, or change its settings, before the first call of its function | [`Registry::get`] |
//! | List all protected functions before the first call | [`Registry::declared`], [`Registry::check`] |
//! | Be notified when and why a circuit opens | [`Event`], [`Listener`], [`Events`] |
//! | Wait until a circuit closes | [`CircuitBreaker::wait_closed`] |
//! | Watch all circuits in a browser | `integrations::axum` (feature `axum`) |
//! | Require a token for the dashboard, and shut down without waiting for it | `integrations::axum`, section In production |
//! | Be notified of rejected, failed and slow calls, and of fallbacks | [`Registry::listen_to_calls`], [`CallEvent`] |
//! | Handle a rejected call | [`BreakerError`], or a fallback, which can receive a [`CallError`] |
//! | Make a rejected call later | `queue::RetryQueue` (feature `queue`) |
//! | Return the last good value, a default or the answer of another service | [`fallback`], which compares the strategies |
//! | Find out why a call was rejected | [`BreakerError::kind`], [`BreakerError::last_transition`] |
//! | Find a rejection inside another error | [`ErrorKind::find_in`] |
//! | Return a rejection from an axum handler, with status 503 or 504, and `Retry-After` if the time is known | [`BreakerError`] implements `IntoResponse` (feature `axum`) |
//! | Create an error in a test | [`BreakerError::new`] |
//! | Test code with circuit breakers | `testing` (feature `test-util`) |
//! | Read how the library works | [`docs::architecture`] |
//!
//! # Guarantees
//!
//! * An early return, a panic or a dropped future never leaves a circuit stuck.
//! * Each result is counted once, and one that arrives after a state change affects only the totals.
//! * At most `half_open_max_calls` trial calls hold a slot at once. One that takes longer than
//!   `half_open_timeout` counts as failed and loses its slot.
//! * A call inside a call of the same circuit that holds a slot runs in that slot, so recursion does not deadlock.
//! * If trial calls succeed only after `half_open_timeout`, later ones get more time, up to one hour, so a slow but
//!   healthy dependency closes its circuit.
//! * A panic counts as a failure and continues to unwind. A call that a timeout of its caller cancels is a failure
//!   if it ran for `cancelled_after` (one second), otherwise it is ignored.
//! * With `hang`, a call that runs for this long opens the circuit before it ends. Each call does this at most once.
//! * With `ramp`, a circuit that has recovered admits a growing share of the calls, so that the full load does not return
//!   at once.
//! * With `failure_if`, an `Err` that it does not select is a success, except the error of another circuit breaker:
//!   "not found" shows that the service works.
//! * An annotated function ignores the error of another circuit breaker, so an open circuit does not open the circuits of
//!   its callers.
//! * A retry budget allows no more retries than a share of the recent successes and a floor, also for many threads
//!   together. It adds nothing to a call.
//! * `set_config` replaces all settings of a live circuit and keeps its state and counts.
//! * No lock is held while your code runs. In steady state, a call allocates nothing, except for a
//!   `call_timeout`, a wait for a slot, a state change, or a fifth nested slot
//!   ([details](docs::performance#memory)).
//! * Every state change records its cause, and two conflicting declarations of one name are reported with both
//!   locations.
//!
//! Tests cover each guarantee. [loom](https://docs.rs/loom) explores the interleavings of the state machine and
//! the windows; stress tests with real threads cover the rest.
//!
//! # Features
//!
//! | feature | what it adds | default |
//! |---|---|---|
//! | `tokio` | time limits for async calls: `call_timeout`, and waiting for `max_wait` | no |
//! | `serde` | `integrations::serde`: `Serialize` for snapshots, transitions and counts | no |
//! | `stream` | `integrations::stream`: streams that settle their call when they end; [`Events`] implements `futures_core::Stream` | no |
//! | `tracing` | `integrations::tracing`: state changes, and on demand single calls, as `tracing` events | no |
//! | `prometheus` | `integrations::prometheus`: metrics as a collector for `prometheus-client` and as text | no |
//! | `opentelemetry` | `integrations::opentelemetry`: metrics as observable instruments, and on demand single calls as events of spans | no |
//! | `http` | `integrations::http`: outcomes of HTTP responses, and the header `Retry-After` | no |
//! | `metrics` | `integrations::metrics`: metrics through the facade of the crate `metrics`; enables `tokio` | no |
//! | `queue` | `queue`: a queue for calls that a circuit rejects, which makes them later; enables `tokio` | no |
//! | `tonic` | `integrations::tonic`: outcomes of gRPC calls of tonic, and statuses for rejected calls | no |
//! | `tower` | `integrations::tower`: a layer and a service for tower; with `http`, `integrations::tower_http`: classifiers for HTTP and gRPC, and calls that last until the body has ended | no |
//! | `redis` | `fleet`: circuits that all processes of an application share through Redis; enables `tokio` | no |
//! | `redis-tls` | TLS for the connection to Redis, `rediss://`; enables `redis` | no |
//! | `axum` | `integrations::axum`: a dashboard, health checks and all circuits as JSON over HTTP; enables `serde` and `tokio` | no |
//! | `test-util` | `testing`: a registry and a clock for each test, `trip`, `assert_state`; with `tokio`, breakers follow tokio's paused clock | no |

#![cfg_attr(docsrs, feature(doc_cfg))]

// The order of these lines is the order of dependency: a module names only modules above it.
mod sync;
mod printable;
mod warning;
mod clock;
pub mod fallback;
mod outcome;
mod totals;
mod durations;
mod window;
mod state;
mod config;
mod failure_text;
mod classifier;
mod snapshot;
mod error;
mod event;
mod breaker;
mod registry;
#[cfg(feature = "queue")]
pub mod queue;
#[cfg(feature = "test-util")]
pub mod testing;
#[cfg(feature = "redis")]
pub mod fleet;
pub mod integrations;
#[doc(hidden)]
pub mod __private;
pub mod docs;

pub use breaker_macros::circuit_breaker;

pub use breaker::{CircuitBreaker, Operator, OwnedPermit, Permit, RetryBudget};
pub use config::{Adopt, Config, ConfigBuilder, ConfigError, Conflict, Mode, Sharing};
pub use durations::{CallDurations, DurationBucket};
pub use error::{BreakerError, CallError, ErrorKind};
pub use event::{
    CallEvent, CallEventKind, CallEvents, ChangesLost, Event, Events, Eviction, FallbackCause, Lagged,
    Listener, StateChange, Subscription, Waiver,
};
pub use outcome::{Outcome, Settled};
pub use registry::{Conflicts, Declaration, KeyedBreaker, RegisterError, Registry};
pub use snapshot::{KeyCounts, QueueCounts, Snapshot};
pub use state::{Cause, Ramp, State, Transition, TransitionCounts};
pub use totals::{Cancellations, Fallbacks, Rejections, Totals};
pub use window::{TripReason, WindowCounts};
