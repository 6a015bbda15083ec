//! A circuit breaker that is right under every interleaving and costs next to nothing.
//!
//! ```
//! use breaker_runtime::{BreakerError, circuit_breaker};
//!
//! #[circuit_breaker(name = "payment", failure_threshold = 5, fallback = cached_price)]
//! fn price(sku: &str) -> Result<u64, BreakerError> {
//!     // the real call
//! #   Ok(sku.len() as u64)
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
//! After five failures in a row the circuit *opens*: for thirty seconds calls get the fallback at
//! once, and the service behind gets room to recover. Then a few calls go through as *trials*; three
//! successes close the circuit, one failure opens it again.
//!
//! | to | see |
//! |---|---|
//! | protect a function | [`circuit_breaker`], the attribute with all its keys |
//! | choose when it opens, how it recovers, how many calls may run | [`ConfigBuilder`], every setting with its range and default |
//! | protect something else, or control a breaker by hand | [`CircuitBreaker`], [`Permit`], [`Operator`] |
//! | have a circuit for each host, tenant or shard | [`KeyedBreaker`] |
//! | find, list and watch breakers | [`Registry`], [`Snapshot`] |
//! | know every protected function before it is called | [`Registry::declared`], [`Registry::check`] |
//! | be told when and why a circuit opens | [`Event`], [`Listener`], [`Events`] |
//! | see all circuits in a browser | `integrations::axum` (feature `axum`) |
//! | handle a rejected call | [`BreakerError`], or a fallback, which may see a [`CallError`] |
//! | test what is protected | `testing` (feature `test-util`) |
//!
//! # Features
//!
//! | feature | what it adds | default |
//! |---|---|---|
//! | `tokio` | time limits of async calls: `call_timeout`, and waiting for `max_wait` | no |
//! | `serde` | `integrations::serde`: `Serialize` for snapshots, transitions and counts | no |
//! | `tracing` | `integrations::tracing`: state changes as events | no |
//! | `prometheus` | `integrations::prometheus`: metrics as a collector for `prometheus-client` and as text | no |
//! | `opentelemetry` | `integrations::opentelemetry`: metrics as observable instruments | no |
//! | `axum` | `integrations::axum`: a dashboard, health and all circuits as JSON over HTTP; enables `serde` and `tokio` | no |
//! | `test-util` | `testing`: a registry and a clock for each test, `trip`, `assert_state`; with `tokio`, breakers follow tokio's paused clock | no |

// The order of these lines is the order of dependence: a room names only rooms above it.
mod sync;
mod clock;
mod outcome;
mod totals;
mod durations;
mod window;
mod state;
mod config;
mod classifier;
mod snapshot;
mod event;
mod error;
mod breaker;
mod registry;
#[cfg(feature = "test-util")]
pub mod testing;
pub mod integrations;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod docs;

pub use breaker_macros::circuit_breaker;

pub use breaker::{CircuitBreaker, Operator, Permit};
pub use config::{Config, ConfigBuilder, ConfigError, Conflict, Mode};
pub use durations::CallDurations;
pub use error::{BreakerError, CallError, ErrorKind};
pub use event::{Event, Events, Lagged, Listener, StateChange, Subscription};
pub use outcome::Outcome;
pub use registry::{Conflicts, Declaration, KeyedBreaker, RegisterError, Registry};
pub use snapshot::Snapshot;
pub use state::{Cause, State, Transition, TransitionCounts};
pub use totals::{Fallbacks, Rejections, Totals};
pub use window::{TripReason, WindowCounts};
