//! Tools for tests of code that uses breakers: a registry and a clock per test, [`trip`] and
//! [`assert_state`].
//!
//! ```
//! use std::time::Duration;
//! use breaker_runtime::{BreakerError, State, circuit_breaker, testing};
//!
//! #[circuit_breaker(name = "quotes", fallback = |_| Ok(42))]
//! fn quote(sku: &str) -> Result<u64, BreakerError> {
//!     // the real call
//! #   Ok(sku.len() as u64)
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
//! In a [scope](scope()), time stands still until the test [advances](Scope::advance) it. If tokio's time is
//! paused when the scope begins (`#[tokio::test(start_paused = true)]`), the time of the scope also moves
//! with tokio's clock, both when the test advances that clock and when tokio auto-advances it.
//!
//! With the features `test-util` and `tokio`, breakers outside scopes follow tokio's clock while it is
//! paused. This applies to recovery times, windows, durations and time limits, with one exception: a sync
//! call that waits for `max_wait` waits in real time, because its blocked thread may be the one that advances
//! tokio's clock. Inside a scope, a sync call that waits for `max_wait` blocks its thread until another
//! thread advances the clock.
//!
//! # Threads and tasks
//!
//! A scope applies to the thread that has entered it, but not to the threads and tasks that this thread
//! starts. Pass the scope to them:
//!
//! | a test starts | the scope is entered by |
//! |---|---|
//! | `thread::spawn` | `thread::spawn(move \|\| scope.enter(..))` |
//! | `tokio::spawn` | `tokio::spawn(scope.enter_async(..))` |
//! | tasks of a runtime with one thread | `scope.enter(\|\| runtime.block_on(..))`, for all tasks |
//!
//! Threads and tasks that another crate starts are outside the scope and use the global registry.

mod assert;
mod scope;

pub use self::assert::{IntoBreaker, assert_state, trip};
pub use self::scope::{InScope, Scope, scope, scope_async};
pub use crate::clock::mock::Clock;
