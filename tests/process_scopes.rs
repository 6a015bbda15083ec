//! Scopes for the whole process, and the failure of a test whose calls never reached the circuit that it tripped.
//!
//! They are a test binary of their own, because a process scope applies to all threads that are in no other scope. The
//! tests that make a call outside their own scope run in a process scope, so that they do not affect each other.

use std::cell::Cell;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use breaker_runtime::testing::{assert_state, process_scope, process_scope_async, scope, scope_async, trip};
use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, KeyedBreaker, Outcome, Registry, State, circuit_breaker,
};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

/// The default of `recovery_timeout`.
const RECOVERY: Duration = Duration::from_secs(30);

/// A query of a repository, which sync code makes.
#[circuit_breaker(name = "process/query")]
fn query() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(name = "process/fetch")]
async fn fetch() -> Result<u32, BreakerError> {
    Ok(1)
}

#[circuit_breaker(name = "process/tenant", key = tenant)]
fn query_tenant(tenant: &str) -> Result<usize, BreakerError> {
    Ok(tenant.len())
}

async fn handler() -> Result<String, StatusCode> {
    let found = spawn_blocking(query).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    found.map(|found| found.to_string()).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}

/// Returns the breaker of `query_tenant`, after a call of another tenant.
fn query_tenants() -> Option<KeyedBreaker> {
    assert!(query_tenant("other").is_ok());
    Registry::global().get_keyed("process/tenant")
}

/// Runs `action` and returns its panic as an error.
fn catch_panic<T>(action: impl FnOnce() -> T) -> thread::Result<T> {
    catch_unwind(AssertUnwindSafe(action))
}

/// Polls `future` once, without a runtime.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Returns the message of a panic.
fn message_of(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map_or_else(|| panic.downcast_ref::<&str>().copied().unwrap_or(""), String::as_str)
}

#[tokio::test]
async fn sync_code_behind_spawn_blocking_is_in_the_scope_of_the_process() {
    process_scope_async(async |scope| {
        trip("process/query");
        let error = spawn_blocking(query).await.unwrap().unwrap_err();
        assert_eq!(error.retry_after(), Some(RECOVERY));
        scope.advance(RECOVERY);
        assert_eq!(spawn_blocking(query).await.unwrap().unwrap(), 1);
        assert_state("process/query", State::HalfOpen);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spawned_tasks_are_in_the_scope_of_the_process() {
    process_scope_async(async |_| {
        trip("process/fetch");
        assert!(tokio::spawn(fetch()).await.unwrap().is_err());
    })
    .await;
    assert!(tokio::spawn(fetch()).await.unwrap().is_ok(), "the scope has ended");
}

#[tokio::test]
async fn a_spawned_server_is_in_the_scope_of_the_process() {
    process_scope_async(async |scope| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().route("/", get(handler));
        let server = tokio::spawn(async move { axum::serve(listener, app).await });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{address}/");
        let status = async || client.get(&url).send().await.unwrap().status().as_u16();

        assert_eq!(status().await, 200);
        trip("process/query");
        assert_eq!(status().await, 503);
        scope.advance(RECOVERY);
        assert_eq!(status().await, 200);
        server.abort();
    })
    .await;
}

#[test]
fn threads_and_the_breakers_that_they_create_use_the_registry_and_the_clock_of_the_process_scope() {
    process_scope(|scope| {
        let thread = thread::spawn(|| {
            trip("process/query");
            let breaker = CircuitBreaker::new("own", Config::default()).unwrap();
            trip(&breaker);
            breaker
        });
        let breaker = thread.join().unwrap();
        assert!(query().is_err() && breaker.try_acquire().is_err());
        scope.advance(RECOVERY);
        assert!(thread::spawn(query).join().unwrap().is_ok() && breaker.try_acquire().is_ok());
        let names: Vec<_> = Registry::global().iter().map(|breaker| breaker.name().to_owned()).collect();
        assert_eq!(names, ["process/query"]);
    });
}

#[test]
fn an_ordinary_scope_inside_a_process_scope_applies_to_its_own_thread() {
    process_scope(|_| {
        trip("process/query");
        scope(|_| {
            assert!(query().is_ok());
            assert!(thread::spawn(query).join().unwrap().is_err());
        });
        assert!(query().is_err());
    });
}

#[test]
fn process_scopes_take_turns() {
    static RUNNING: AtomicU32 = AtomicU32::new(0);

    let test = || {
        process_scope(|_| {
            assert_eq!(RUNNING.fetch_add(1, Ordering::SeqCst), 0);
            assert!(query().is_ok());
            thread::yield_now();
            assert_eq!(Registry::global().get("process/query").unwrap().snapshot().totals.successes, 1);
            RUNNING.fetch_sub(1, Ordering::SeqCst);
        });
    };
    thread::scope(|threads| (0..8).for_each(|_| _ = threads.spawn(test)));
}

#[test]
fn an_async_process_scope_waits_for_its_turn_and_may_be_cancelled_meanwhile() {
    let (started, has_started) = mpsc::channel();
    let (end, has_ended) = mpsc::channel::<()>();
    let first = thread::spawn(move || {
        process_scope(|_| {
            started.send(()).unwrap();
            has_ended.recv().unwrap();
        });
    });
    has_started.recv().unwrap();
    let mut cancelled = Box::pin(process_scope_async(async |_| ()));
    assert!(poll_once(cancelled.as_mut()).is_pending());
    drop(cancelled);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let second = tokio::spawn(process_scope_async(async |_| query().is_ok()));
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        end.send(()).unwrap();
        assert!(second.await.unwrap());
    });
    first.join().unwrap();
}

#[test]
fn a_process_scope_ends_when_its_test_panics_or_is_cancelled() {
    assert!(catch_panic(|| process_scope(|_| panic!("a failed test"))).is_err());
    let has_begun = Cell::new(false);
    let mut cancelled = Box::pin(process_scope_async(async |_| {
        has_begun.set(true);
        trip("process/query");
        std::future::pending::<()>().await;
    }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        // Other tests may have the turn at first.
        while !has_begun.get() {
            _ = tokio::time::timeout(Duration::from_millis(1), cancelled.as_mut()).await;
        }
    });
    drop(cancelled);
    process_scope(|_| assert!(query().is_ok()));
}

#[test]
fn a_process_scope_inside_another_one_panics_instead_of_waiting_for_itself() {
    let nested = || scope(|_| process_scope(|_| ()));
    for outcome in [
        process_scope(|_| catch_panic(nested)),
        process_scope(|scope| {
            thread::spawn(move || scope.enter(|| catch_panic(|| process_scope(|_| ())))).join().unwrap()
        }),
    ] {
        let panic = outcome.unwrap_err();
        assert!(
            message_of(&*panic).starts_with("a process scope cannot begin inside another one"),
            "{panic:?}"
        );
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let inner = async |_| tokio::spawn(async {}).await.map(|()| process_scope_async(async |_| ()));
    let outer = async || process_scope_async(async |scope| inner(scope).await.unwrap().await).await;
    assert!(catch_panic(|| runtime.block_on(outer())).is_err());
    process_scope(|_| assert!(query().is_ok()));
}

const UNREACHED: &str = "but no call of this scope ever reached it";

#[test]
fn a_scope_panics_at_its_end_if_no_call_reached_the_circuit_that_it_tripped() {
    let missed = || {
        scope(|_| {
            trip("process/query");
            // The real query runs, outside the scope.
            assert!(thread::spawn(query).join().unwrap().is_ok());
        });
    };
    let panic = process_scope(|_| catch_panic(missed)).unwrap_err();
    let message = message_of(&*panic);
    assert!(message.starts_with("circuit breaker \"process/query\" was tripped at "), "{message}");
    assert!(message.contains(UNREACHED) && message.contains("process_scopes.rs:"), "{message}");
    assert!(message.contains("testing::process_scope"), "{message}");

    let keyed = || {
        trip(("process/tenant", "acme"));
        assert!(query_tenant("umbrella").is_ok());
    };
    let panic = catch_panic(|| scope(|_| keyed())).unwrap_err();
    assert!(message_of(&*panic).contains(UNREACHED), "{panic:?}");
    assert!(catch_panic(|| process_scope(|_| keyed())).is_err());
}

#[tokio::test]
async fn an_async_scope_panics_at_its_end_if_no_call_reached_the_circuit_that_it_tripped() {
    let missed = async || {
        trip("process/query");
        assert_eq!(tokio::spawn(handler()).await.unwrap().unwrap(), "1"); // the real query
    };
    let ordinary =
        process_scope_async(async |_| tokio::spawn(scope_async(async move |_| missed().await)).await).await;
    let of_process = tokio::spawn(process_scope_async(async |_| trip("process/query"))).await;
    for panic in [ordinary.unwrap_err(), of_process.unwrap_err()] {
        let panic = panic.into_panic();
        assert!(message_of(&*panic).contains(UNREACHED), "{panic:?}");
    }
}

#[test]
fn a_scope_does_not_complain_about_circuits_that_calls_reached_or_that_the_test_holds() {
    scope(|_| {
        trip("process/query");
        assert!(query().is_err());
        trip(("process/tenant", "acme"));
        assert!(query_tenant("acme").is_err());
        Registry::global().register("by hand", Config::default()).unwrap();
        trip("by hand");
        assert!(catch_panic(|| trip("no such breaker")).is_err());
    });
    scope(|_| {
        assert!(query().is_ok());
        Registry::global().get("process/query").unwrap().force_open();
    });
    scope(|_| {
        let breaker = query_tenants().unwrap().get("acme");
        trip(&breaker);
        assert!(breaker.snapshot().retry_after.is_some());
    });
    // The panic of the test itself is the one that the user sees.
    let panic = catch_panic(|| {
        scope(|_| -> () {
            trip("process/query");
            panic!("the test failed")
        });
    });
    assert_eq!(message_of(&*panic.unwrap_err()), "the test failed");
}

/// The scope in which the child process of the next test fails.
const FAILS_IN: &str = "BREAKER_TESTS_FAILS_IN";

// Runs in a child process, whose harness prints what the failed test has printed.
#[test]
fn a_test_that_panics_after_a_trip_that_no_call_reached_prints_a_note() {
    let fail = |name: &str| {
        trip("process/query");
        assert!(name != "reached" || query().is_err());
        panic!("the test failed")
    };
    match env::var(FAILS_IN).as_deref() {
        Ok(name @ "process") => process_scope(|_| fail(name)),
        Ok(name @ "scope_async") => {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(scope_async(async |_| fail(name)));
        }
        Ok(name) => scope(|_| fail(name)),
        Err(_) => {}
    }
    for (name, has_note) in [("reached", false), ("scope", true), ("scope_async", true), ("process", true)] {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "a_test_that_panics_after_a_trip_that_no_call_reached_prints_a_note"])
            .env(FAILS_IN, name)
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let (_, after) = printed.split_once("the test failed").unwrap();
        let note = "note: circuit breaker \"process/query\" was tripped at ";
        assert_eq!(after.contains(note) && after.contains(UNREACHED), has_note, "{name}: {printed}");
    }
}

#[test]
fn a_failed_assertion_says_that_no_call_reached_the_tripped_circuit() {
    let panic = scope(|_| {
        trip("process/query");
        let panic = catch_panic(|| assert_state("process/query", State::Closed)).unwrap_err();
        assert!(query().is_err());
        assert!(
            !message_of(&*catch_panic(|| assert_state("process/query", State::Closed)).unwrap_err())
                .contains(UNREACHED)
        );
        panic
    });
    let message = message_of(&*panic);
    let note = message.lines().last().unwrap();
    assert!(note.starts_with("  note: circuit breaker \"process/query\" was tripped at "), "{message}");
    assert!(note.ends_with(UNREACHED), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_thread_outside_the_runtime_follows_the_paused_clock_of_the_scope() {
    process_scope_async(async |_| {
        let config = Config::builder().failure_threshold(1).build().unwrap();
        let breaker = CircuitBreaker::new("process/paused", config).unwrap();
        breaker.try_acquire().unwrap().settle(Outcome::Failure);
        tokio::time::advance(RECOVERY).await;
        let is_trial = move || breaker.try_acquire().is_ok_and(|permit| permit.is_trial());
        assert!(thread::spawn(is_trial).join().unwrap());
    })
    .await;
}
