//! Tools for tests of code that uses breakers: a registry and a clock per test, [`trip`] and
//! [`assert_state`].
//!
//! A scope applies to the thread or task that has entered it. Code behind `spawn_blocking`, a server started by
//! `tokio::spawn`, and other threads and tasks do not see it, and make the real call. A test of such code uses
//! [`process_scope`] or [`process_scope_async`], which apply to all of them, or passes the scope on:
//!
//! ```
//! use breaker_runtime::{BreakerError, circuit_breaker, testing};
//!
//! #[circuit_breaker(name = "rates")]
//! fn query() -> Result<u64, BreakerError> {
//!     Ok(1) // the real call
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! testing::process_scope_async(async |_| {
//!     testing::trip("rates");
//!     assert!(tokio::task::spawn_blocking(query).await.unwrap().is_err());
//! })
//! .await;
//!
//! testing::scope_async(async |scope| {
//!     testing::trip("rates");
//!     let result = tokio::task::spawn_blocking(move || scope.enter(query)).await;
//!     assert!(result.unwrap().is_err());
//! })
//! .await;
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! In a test whose calls are all made on its own thread or in its own task, an ordinary scope is enough:
//!
//! ```
//! use std::time::Duration;
//! use breaker_runtime::{BreakerError, State, circuit_breaker, testing};
//!
//! #[circuit_breaker(name = "quotes", fallback = |_| Ok(42))]
//! fn quote(sku: &str) -> Result<u64, BreakerError> {
//!     Ok(sku.len() as u64) // the real call
//! }
//!
//! // In a test:
//! testing::scope(|scope| {
//!     testing::trip("quotes");
//!     assert_eq!(quote("tea")?, 42);
//!
//!     scope.advance(Duration::from_secs(30));
//!     assert_eq!(quote("tea")?, 3);
//!     testing::assert_state("quotes", State::HalfOpen);
//! #   Ok::<(), BreakerError>(())
//! })?;
//! # Ok::<(), BreakerError>(())
//! ```
//!
//! # Time
//!
//! In a [scope](scope()), time stands still until the test [advances](Scope::advance) it. If tokio's time is paused
//! when the scope begins (`#[tokio::test(start_paused = true)]`), the time of the scope also moves with tokio's clock,
//! both when the test advances that clock and when tokio auto-advances it. This applies to all threads that have
//! entered the scope, inside and outside the runtime. A thread outside the runtime does not keep tokio from
//! auto-advancing: if it waits for `max_wait` while the runtime is idle, the time advances to the end of its wait.
//!
//! With the features `test-util` and `tokio`, breakers outside scopes follow tokio's clock while it is
//! paused. This applies to recovery times, windows, durations and time limits, with one exception: a sync
//! call that waits for `max_wait` waits in real time, because its blocked thread may be the one that advances
//! tokio's clock. Inside a scope, a sync call that waits for `max_wait` blocks its thread until another
//! thread advances the clock, or tokio's clock if the scope follows it.
//!
//! # Threads and tasks
//!
//! A scope applies to the thread that has entered it, but not to the threads and tasks that this thread
//! starts. Pass the scope to them:
//!
//! | a test starts | the scope is entered by |
//! |---|---|
//! | `thread::spawn` | `thread::spawn(move \|\| scope.enter(..))` |
//! | `spawn_blocking` | `spawn_blocking(move \|\| scope.enter(..))` |
//! | `tokio::spawn` | `tokio::spawn(scope.enter_async(..))` |
//! | tasks of a runtime with one thread | `scope.enter(\|\| runtime.block_on(..))`, for all tasks |
//!
//! Threads and tasks that another crate starts are outside the scope and use the global registry, as the task that
//! a server starts for each connection. For these, use [`process_scope`] or [`process_scope_async`].
//!
//! A `static` with something that belongs to a circuit, such as a [`CircuitBreaker`](crate::CircuitBreaker), a retry
//! budget or a queue, is not separate in each scope: it belongs to the circuit of the scope that has used it first.
//! Create such values in the scope and pass them to the code.
//!
//! If no call of a scope ever reaches a circuit that the test has tripped, the scope panics at its end, because the
//! test has probably made its call outside the scope. If the test panics before, a note below its panic says so.

#[doc(hidden)]
pub mod adoption;
mod assert;
mod nesting;
mod process_scope;
mod scope;

pub use self::assert::{IntoBreaker, assert_state, trip};
pub use self::process_scope::{process_scope, process_scope_async};
pub use self::scope::{InScope, Scope, scope, scope_async};
pub use crate::clock::mock::Clock;
