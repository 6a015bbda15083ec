//! A registry and a clock for one test and all threads and tasks that it starts. Such tests take turns.

use super::assert::{NoteOnPanic, assert_trips_were_reached};
use super::nesting::reject_nested;
use super::scope::{Reach, Scope};
use crate::sync::turn::Turn;

/// Runs `test` with an empty registry of its own and a clock that stands still, for the whole process: threads and
/// tasks need not enter the scope. Use it if the calls are made behind `spawn_blocking`, by a spawned server, or in
/// threads of another crate.
///
/// Tests that use a process scope take turns: this function blocks the thread until no other one runs. The scope ends
/// when `test` returns or panics, and then the next test gets its turn. Threads and tasks that outlive it use the
/// global registry afterwards.
///
/// It applies to every thread that has not entered another scope. An ordinary [`scope()`](super::scope()) inside it, or
/// at the same time in another test, applies to its own thread as usual. A test without any scope that runs at the same
/// time shares the process scope, so give the other tests of the binary a scope each, or put the tests with a process
/// scope into a test binary of their own.
///
/// # Panics
///
/// Panics if the thread is in a process scope already, because it would wait for itself. Panics at the end if `test`
/// [tripped](super::trip) the breaker of an annotated function and no call ever reached it.
///
/// ```
/// use breaker_runtime::{BreakerError, circuit_breaker, testing};
///
/// #[circuit_breaker(name = "ledger")]
/// fn query(account: u32) -> Result<u32, BreakerError> {
///     // the real query
/// #   Ok(account)
/// }
///
/// // In a test:
/// testing::process_scope(|_| {
///     testing::trip("ledger");
///     let thread = std::thread::spawn(|| query(7)); // has not entered the scope
///     assert!(thread.join().unwrap().is_err());
/// });
/// ```
#[track_caller]
pub fn process_scope<T>(test: impl FnOnce(Scope) -> T) -> T {
    reject_nested();
    let _turn = Turn::take_blocking();
    let scope = Scope::with_reach(Reach::Process);
    let process = scope.enter_process();
    let note = NoteOnPanic { scope: scope.state() };
    let output = scope.enter(|| test(scope.clone()));
    drop((note, process));
    assert_trips_were_reached(scope.state());
    output
}

/// Runs an async `test` like [`process_scope`]. It waits for its turn without blocking the thread.
///
/// # Panics
///
/// Panics like [`process_scope`].
///
/// # Cancellation
///
/// The future may be dropped at any time: it gives up its turn, and the scope ends.
///
/// ```
/// use breaker_runtime::{BreakerError, circuit_breaker, testing};
///
/// #[circuit_breaker(name = "archive")]
/// fn query(account: u32) -> Result<u32, BreakerError> {
///     // the real query
/// #   Ok(account)
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// // In a `#[tokio::test]`:
/// testing::process_scope_async(async |_| {
///     testing::trip("archive");
///     let result = tokio::task::spawn_blocking(|| query(7)).await.unwrap();
///     assert!(result.is_err());
/// })
/// .await;
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub async fn process_scope_async<T, F>(test: impl FnOnce(Scope) -> F) -> T
where
    F: Future<Output = T>,
{
    reject_nested();
    let _turn = Turn::take().await;
    let scope = Scope::with_reach(Reach::Process);
    let process = scope.enter_process();
    let note = NoteOnPanic { scope: scope.state() };
    let test = scope.enter(|| test(scope.clone()));
    let output = scope.enter_async(test).await;
    drop((note, process));
    assert_trips_were_reached(scope.state());
    output
}
