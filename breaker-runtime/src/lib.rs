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
//! The [guide](docs::guide) leads from an empty folder to a service with a dashboard, alerts, tests, live settings and
//! shared circuits, in six steps.
//!
//! The [cookbook](docs::cookbook) has one page per need, with complete code: HTTP clients, databases, gRPC, queues,
//! tenants, streams, workers, shared and nested circuits, start-up, tests, Kubernetes, dashboards and logs. Its list
//! [I want to ..](docs::cookbook#i-want-to-) has an answer for each task. These are the main items:
//!
//! | task | items |
//! |---|---|
//! | Protect a function | [`circuit_breaker`], the attribute with all its keys |
//! | Choose which results are failures, successes or ignored | the keys `failure_if` and `ignore_if` of [`circuit_breaker`]; [`Outcome`] |
//! | Choose when a circuit opens, how it recovers, and how many calls may run | [`ConfigBuilder`], every setting with its range and default |
//! | Protect other code, or control a breaker manually | [`CircuitBreaker`], [`Permit`], [`Operator`] |
//! | Handle a rejected call | [`BreakerError`], or a [`fallback`], which can receive a [`CallError`] |
//! | Use one circuit for each host, tenant or shard | [`KeyedBreaker`] |
//! | Find, list and observe breakers | [`Registry`], [`Snapshot`] |
//! | Be notified when and why a circuit opens | [`Event`], [`Listener`], [`Events`] |
//! | Change settings while the program runs | [`docs::configuration`] (feature `config`), [`CircuitBreaker::set_config`] |
//! | Share a circuit among all processes of an application | [`docs::fleet`] (feature `redis`) |
//! | Try settings on recorded calls | `recorder` (feature `recorder`), [`docs::thresholds`] |
//! | Compare other settings with those of a circuit, on its live calls | `shadow` (feature `shadow`), which runs candidates; [`Mode::Shadow`] turns off rejections instead |
//! | Fail or delay calls on purpose | `chaos` (feature `chaos`) |
//! | Test code with circuit breakers | `testing` (feature `test-util`) |
//!
//! Further pages: [when a circuit breaker is the wrong tool](docs::when_not_to_use), [mistakes](docs::mistakes),
//! [composition](docs::composition) with retries and rate limits, a [comparison](docs::comparison) with other
//! libraries, the [limits](docs::limits) of the attribute, [performance](docs::performance),
//! [stability](docs::stability), and the [architecture](docs::architecture). [`State`] shows the states and what
//! leads from one to another.
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
//! * With `ramp`, a circuit that has recovered admits a growing share of the calls, so that the full load does not
//!   return at once.
//! * With `failure_if`, an `Err` that it does not select is a success, except the error of another circuit breaker:
//!   "not found" shows that the service works.
//! * An annotated function ignores the error of another circuit breaker, so an open circuit does not open the circuits
//!   of its callers.
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
//! | `config` | `integrations::config`: settings from TOML and JSON files and from the environment, reloaded when a file changes; enables `serde` and `tokio` | no |
//! | `stream` | `integrations::stream`: streams that settle their call when they end; [`Events`] implements `futures_core::Stream` | no |
//! | `tracing` | `integrations::tracing`: state changes, and on demand single calls, as `tracing` events | no |
//! | `prometheus` | `integrations::prometheus`: metrics as a collector for `prometheus-client` and as text | no |
//! | `opentelemetry` | `integrations::opentelemetry`: metrics as observable instruments, and on demand single calls as events of spans | no |
//! | `http` | `integrations::http`: outcomes of HTTP responses, and the header `Retry-After` | no |
//! | `metrics` | `integrations::metrics`: metrics through the facade of the crate `metrics`; enables `tokio` | no |
//! | `queue` | `queue`: a queue for calls that a circuit rejects, which makes them later; enables `tokio` | no |
//! | `recorder` | `recorder`: the calls of a running service as a trace, for choosing thresholds | no |
//! | `shadow` | `shadow`: other settings beside those of a circuit, compared on its live calls | no |
//! | `tonic` | `integrations::tonic`: outcomes of gRPC calls of tonic, and statuses for rejected calls | no |
//! | `tower` | `integrations::tower`: a layer and a service for tower; with `http`, `integrations::tower_http`: classifiers for HTTP and gRPC, and calls that last until the body has ended | no |
//! | `redis` | `fleet`: circuits that all processes of an application share through Redis; enables `tokio` | no |
//! | `redis-tls` | TLS for the connection to Redis, `rediss://`; enables `redis` | no |
//! | `axum` | `integrations::axum`: a dashboard, health checks and all circuits as JSON over HTTP; enables `serde` and `tokio` | no |
//! | `chaos` | `chaos`: drills, which fail or delay a share of the calls for a limited time; enables `tokio` | no |
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
mod drill;
mod failure_text;
mod classifier;
mod snapshot;
mod error;
mod event;
mod breaker;
mod registry;
#[cfg(feature = "chaos")]
pub mod chaos;
#[cfg(feature = "queue")]
pub mod queue;
#[cfg(feature = "recorder")]
pub mod recorder;
#[cfg(feature = "shadow")]
pub mod shadow;
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
pub use config::{
    Adopt, Config, ConfigBuilder, ConfigError, Conflict, DurationError, EffectiveConfig, Mode, Setting,
    SettingDuration, SettingError, SettingSource, SettingValue, Sharing,
};
pub use drill::{ActiveDrill, DrillEnd, Fault};
pub use durations::{CallDurations, DurationBucket};
pub use error::{BreakerError, CallError, ErrorKind};
pub use event::{
    CallEvent, CallEventKind, CallEvents, ChangesLost, DrillEnded, DrillStarted, Event, Events, Eviction,
    FallbackCause, Lagged, Listener, SettingDifference, SettingsChange, StateChange, Subscription, Waiver,
};
pub use outcome::{Outcome, Settled};
pub use registry::{
    ConfigLayer, ConfigReport, ConfigSection, ConfigStatus, ConfigureError, Conflicts, Declaration,
    KeyedBreaker, RegisterError, Registry, SectionError,
};
pub use snapshot::{KeyCounts, QueueCounts, Snapshot};
pub use state::{Cause, Ramp, State, Transition, TransitionCounts};
pub use totals::{Cancellations, Fallbacks, Rejections, Totals};
pub use window::{TripReason, WindowCounts};
