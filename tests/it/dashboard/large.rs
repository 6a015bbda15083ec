//! Registries so large that reading them takes long: the result is shared and never blocks an async thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use breaker_runtime::{Event, KeyedBreaker, State, testing};
use serde_json::Value;
use tokio::runtime::Builder;

use super::server::{HttpResponse, Server};
use crate::support::settings;

/// Number of keys whose circuits are read on an async thread.
const FEW: u32 = 150;
/// Number of keys whose circuits are read on another thread, for each request that arrives.
const MANY: u32 = 5_000;
/// Number of keys for which a result is shared for a second.
const HUGE: u32 = 10_100;

/// Registers a breaker `host` with this number of keys.
fn hosts(server: &Server, count: u32) -> KeyedBreaker {
    let config = settings().critical(true).build().unwrap();
    let hosts = server.registry.register_keyed("host", config, count).unwrap();
    for nth in 0..count {
        drop(hosts.get(&nth.to_string()));
    }
    hosts
}

/// Returns the number of forced-open circuits according to each route.
async fn forced_open(server: &Server) -> Vec<u64> {
    let count = |circuit: &Value| circuit["keys"]["states"]["forced_open"].as_u64().unwrap();
    let all = server.get("/circuits").await.json();
    let health = server.get("/health/circuits").await.json();
    let metrics = server.get("/metrics").await.text;
    let is_open = |found: bool| u64::from(found);
    vec![
        count(&all["circuits"][0]),
        count(&server.get("/circuits/host").await.json()),
        is_open(health["circuits"]["host"]["state"] == "forced_open"),
        is_open(metrics.contains("circuit_breaker_state{circuit=\"host\"} 1\n")),
    ]
}

#[tokio::test]
async fn a_result_for_a_huge_registry_is_shared_for_a_second() {
    let server = Server::start();
    let hosts = hosts(&server, HUGE);
    assert_eq!(forced_open(&server).await, [0; 4]);
    hosts.get("7").force_open();
    assert_eq!(forced_open(&server).await, [0; 4]);
    server.clock.advance(std::time::Duration::new(0, 999_999_999));
    assert_eq!(forced_open(&server).await, [0; 4]);
    server.clock.advance(std::time::Duration::from_nanos(1));
    assert_eq!(forced_open(&server).await, [1; 4]);
}

#[tokio::test]
async fn a_smaller_registry_is_read_for_each_request() {
    for count in [FEW, MANY] {
        let server = Server::start();
        let hosts = hosts(&server, count);
        for expected in [0, 1, 0] {
            assert_eq!(forced_open(&server).await, [expected; 4], "{count}");
            let seven = hosts.get("7");
            if seven.state() == State::Closed { seven.force_open() } else { seven.release() }
        }
    }
}

#[tokio::test]
async fn a_command_is_visible_in_the_next_response_of_every_route() {
    let server = Server::with_token();
    drop(hosts(&server, HUGE));
    for (command, expected) in [("force-open", 1), ("release", 0), ("force-open", 1)] {
        let path = format!("/circuits/host/{command}?key=7");
        assert_eq!(HttpResponse::of(server.command(&path)).await.status, 200);
        assert_eq!(forced_open(&server).await, [expected; 4]);
        let mut stream = server.request(reqwest::Method::GET, "/circuits/stream").send().await.unwrap();
        let expected = format!("\"forced_open\":{expected},\"disabled\"");
        let mut event = String::new();
        while !event.contains("\n\n") {
            event.push_str(str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
        }
        assert!(event.contains(&expected) && !event.contains("\"critical\":false"), "{event}");
    }
    let all = HttpResponse::of(server.command("/circuits/host/force-open")).await.json();
    assert_eq!(all["keys"]["states"]["forced_open"], HUGE);
    assert_eq!(server.get("/health/circuits").await.status, 503);
}

#[tokio::test]
async fn a_command_is_visible_over_every_router_of_the_registry() {
    let server = Server::with_token();
    drop(hosts(&server, HUGE));
    let other = Server::for_registry(&server.registry);
    assert_eq!(forced_open(&other).await, [0; 4]);
    let command = HttpResponse::of(server.command("/circuits/host/force-open?key=7")).await;
    assert_eq!((command.status, forced_open(&other).await), (200, vec![1; 4]));
}

#[tokio::test]
async fn a_command_whose_listener_blocks_delays_no_reading() {
    let server = Server::with_token();
    drop(hosts(&server, 1_500));
    let (entered, mut is_entered) = tokio::sync::mpsc::unbounded_channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let _subscription = server.registry.listen(move |_: &Event| {
        _ = entered.send(());
        _ = released.lock().unwrap().recv();
    });
    let command = tokio::spawn(server.command("/circuits/host/force-open").send());
    is_entered.recv().await.unwrap();
    // All circuits are forced open already.
    for (path, status) in
        [("/health/circuits", 503), ("/circuits", 200), ("/circuits/host", 200), ("/metrics", 200)]
    {
        assert_eq!(server.get(path).await.status, status, "{path}");
    }
    assert_eq!(command.await.unwrap().unwrap().status(), 200);
    drop(release);
}

/// Runs `test` on one thread, and returns the number of further threads that it started.
fn threads_of(test: impl AsyncFnOnce()) -> usize {
    let started = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&started);
    let mut runtime = Builder::new_current_thread();
    runtime.enable_all().on_thread_start(move || _ = count.fetch_add(1, Ordering::SeqCst));
    runtime.build().unwrap().block_on(test());
    started.load(Ordering::SeqCst)
}

#[test]
fn many_circuits_are_read_off_the_async_threads() {
    let cases =
        [(FEW, 1, false), (MANY, 1, true), (0, 21, true), (0, 15, false), (0, 95, false), (0, 101, true)];
    for (count, names, is_elsewhere) in cases {
        // The health of a breaker is read in a fraction of the time of its JSON.
        let paths = match names {
            21 => &["/circuits", "/metrics", "/circuits/stream"][..],
            95 | 101 => &["/health/circuits"][..],
            _ => &["/health/circuits", "/circuits", "/metrics", "/circuits/stream"][..],
        };
        for path in paths {
            let threads = threads_of(async || {
                let server = Server::start();
                drop(hosts(&server, count.max(1)));
                for nth in 1..names {
                    server.registry.register(format!("circuit {nth}"), settings().build().unwrap()).unwrap();
                }
                let mut response = server.request(reqwest::Method::GET, path).send().await.unwrap();
                assert_eq!(response.status(), 200);
                assert!(response.chunk().await.unwrap().is_some());
            });
            assert_eq!(threads > 0, is_elsewhere, "{path} with {count} keys and {names} breakers");
        }
    }
}

#[test]
fn functions_that_were_never_called_are_read_off_the_async_threads() {
    for (path, is_elsewhere) in [("/circuits", true), ("/metrics", true), ("/health/circuits", false)] {
        let threads = testing::scope(|scope| {
            threads_of(async || {
                let server = Server::for_registry(scope.registry());
                assert_eq!(server.get(path).await.status, 200);
            })
        });
        assert_eq!(threads > 0, is_elsewhere, "{path}");
    }
}

#[test]
fn the_listeners_of_a_command_run_off_the_async_threads() {
    for count in [1, MANY] {
        threads_of(async || {
            let server = Server::with_token();
            drop(hosts(&server, count));
            let (called, mut threads) = tokio::sync::mpsc::unbounded_channel();
            let _subscription =
                server.registry.listen(move |_: &Event| _ = called.send(thread::current().id()));
            let response = HttpResponse::of(server.command("/circuits/host/force-open")).await;
            assert_eq!(response.status, 200);
            for _ in 0..count {
                assert_ne!(threads.recv().await.unwrap(), thread::current().id());
            }
        });
    }
}
