//! For the tests of those who use breakers: a registry and a clock for each test, and words for what a test
//! does with a circuit.
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
//! In a [scope](scope()) time stands still until the test [advances](Scope::advance) it. Where tokio's time is
//! paused when the scope begins (`#[tokio::test(start_paused = true)]`), the scope goes with tokio's clock as
//! well, whether that is advanced by the test or by itself.
//!
//! Outside of scopes, too, a breaker follows tokio's clock while it is paused, if the features `test-util` and
//! `tokio` are on: in recovery times, windows, durations and limits. Only a thread that is blocked, because a
//! sync function waits for `max_wait`, waits in real time: it may hold up the very runtime.
//!
//! # Threads and tasks
//!
//! A thread is in the scope that it has entered, and what it starts is not: hand the scope on.
//!
//! | what a test starts | how the scope gets there |
//! |---|---|
//! | `thread::spawn` | `thread::spawn(move \|\| scope.enter(..))` |
//! | `tokio::spawn` | `tokio::spawn(scope.enter_async(..))` |
//! | tasks of a runtime with one thread | by itself, if `block_on` is called in the scope: `scope.enter(\|\| runtime.block_on(..))` |
//!
//! What somebody else spawns cannot be reached so; it uses the global registry.

#[path = "testing/assert.rs"]
mod assert;
#[path = "testing/scope.rs"]
mod in_scope;

pub use self::assert::{IntoBreaker, assert_state, trip};
pub use self::in_scope::{InScope, Scope, scope, scope_async};
pub use crate::clock::mock::MockClock as Clock;
