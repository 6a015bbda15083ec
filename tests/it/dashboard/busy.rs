//! The dashboard while calls that hang occupy all threads for blocking work.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use breaker_runtime::{BreakerError, CircuitBreaker, Config, ConfigBuilder, ErrorKind, Event, State};
use tokio::runtime::Builder;
use tokio::task::{JoinHandle, spawn_blocking, yield_now};

use super::server::{HttpResponse, Server};
use crate::support::settings;

/// Runs `test` while the only thread for blocking work is occupied, until the test drops the sender.
fn with_a_busy_thread(test: impl AsyncFnOnce(mpsc::Sender<()>)) {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).enable_all().build().unwrap();
    let (release, released) = mpsc::channel::<()>();
    runtime.block_on(async {
        drop(spawn_blocking(move || released.recv()));
        test(release).await;
    });
}

fn one_slot() -> ConfigBuilder {
    settings().max_concurrent(1).max_wait(Duration::MAX)
}

/// Starts a call that waits for a slot.
async fn waiting_call(database: &CircuitBreaker) -> JoinHandle<Result<u8, BreakerError>> {
    let database = database.clone();
    let call = tokio::spawn(async move { database.call_async(async { Ok(1) }).await });
    yield_now().await;
    assert!(!call.is_finished());
    call
}

#[test]
fn a_command_takes_effect_and_health_responds_while_no_blocking_thread_is_free() {
    with_a_busy_thread(async |release| {
        let server = Server::with_token();
        let database = server.register("database", settings());
        for nth in 0..25 {
            server.registry.register(format!("other {nth}"), Config::default()).unwrap();
        }
        let (heard, mut listener) = tokio::sync::mpsc::unbounded_channel();
        server.registry.listen(move |event: &Event| _ = heard.send(event.to_string())).detach();
        let response = HttpResponse::of(server.command("/circuits/database/force-open")).await;
        assert_eq!((response.status, database.state()), (200, State::ForcedOpen));
        assert_eq!(response.json()["transitions"][0]["initiator"], "alice");
        assert_eq!(server.get("/circuits/database").await.json()["state"], "forced_open");
        assert_eq!(
            server.get("/health/circuits").await.json()["circuits"]["database"]["state"],
            "forced_open"
        );

        // The command on all circuits is in effect although its response has to read more than 20 breakers.
        let all = tokio::spawn(server.command("/circuits/release").send());
        while database.state() != State::Closed {
            yield_now().await;
        }
        assert!(listener.try_recv().is_err());
        drop(release);
        assert_eq!(all.await.unwrap().unwrap().status(), 200);
        let forced = "circuit breaker \"database\": closed -> forced open: forced open by alice";
        assert_eq!(listener.recv().await.unwrap(), forced);
    });
}

#[test]
fn settings_drills_and_promotions_take_effect_while_no_blocking_thread_is_free() {
    with_a_busy_thread(async |release| {
        let server = Server::with_token();
        let database = server.register("database", settings());
        let (heard, mut listener) = tokio::sync::mpsc::unbounded_channel();
        server.registry.listen(move |event: &Event| _ = heard.send(event.clone())).detach();
        let command = async |path: &str, body: &'static str| {
            let request = server.command(&format!("/circuits/database/{path}")).body(body);
            HttpResponse::of(request).await.status
        };

        assert_eq!(command("drill?fail=1&for=60s", "").await, 200);
        assert!(database.snapshot().drill.is_some());
        assert_eq!(command("stop-drill", "").await, 200);
        assert!(database.snapshot().drill.is_none());
        assert_eq!(command("configure", r#"{"failure_threshold": 7}"#).await, 200);
        assert_eq!(database.config().failure_threshold(), Some(7));
        let strict = Config::builder().failure_threshold(2);
        let _candidate = server.registry.shadow("database", "strict", strict).unwrap();
        assert_eq!(command("promote?candidate=strict", "").await, 200);
        assert_eq!(database.config().failure_threshold(), Some(2));

        assert!(listener.try_recv().is_err());
        drop(release);
        let mut events = Vec::new();
        for _ in 0..4 {
            events.push(listener.recv().await.unwrap().to_string());
        }
        let in_order = [
            "a drill by alice fails 100% of the calls",
            "the drill has ended",
            "failure_threshold 2 -> 7",
            "failure_threshold 7 -> 2",
        ];
        for (event, part) in events.iter().zip(in_order) {
            assert!(event.contains(part), "{events:#?}");
        }
    });
}

#[test]
fn a_drill_of_a_breaker_does_not_wait_for_one_of_very_many_keys() {
    with_a_busy_thread(async |release| {
        let server = Server::with_token();
        let database = server.register("database", settings());
        let hosts = server.registry.register_keyed("hosts", Config::default(), 20_000).unwrap();
        (0..10_001).for_each(|host| _ = hosts.get(&host.to_string()));
        let large = tokio::spawn(server.command("/circuits/hosts/drill?fail=1&for=60s").send());
        let command = async |path: &str| {
            HttpResponse::of(server.command(&format!("/circuits/database/{path}"))).await.status
        };
        assert_eq!(command("drill?fail=1&for=60s").await, 200);
        assert_eq!(command("stop-drill").await, 200);
        assert!(database.snapshot().drill.is_none() && hosts.snapshot().drill.is_none());
        drop(release);
        assert_eq!(large.await.unwrap().unwrap().status(), 200);
        assert!(hosts.snapshot().drill.is_some());
    });
}

#[test]
fn a_slow_listener_does_not_change_the_order_of_the_events_of_commands() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Server::with_token();
        let database = server.register("database", settings());
        let (end, ended) = mpsc::channel();
        let ended = Mutex::new(Some(ended));
        let waits_once = move |_: &Event| {
            let first = ended.lock().unwrap().take();
            if let Some(ended) = first {
                ended.recv().unwrap();
            }
        };
        let _slow = database.listen(waits_once);
        let (heard, mut listener) = tokio::sync::mpsc::unbounded_channel();
        server.registry.listen(move |event: &Event| _ = heard.send(event.to_string())).detach();
        for failures in [7, 9] {
            let body = format!("{{\"failure_threshold\": {failures}}}");
            let command = server.command("/circuits/database/configure").body(body);
            assert_eq!(HttpResponse::of(command).await.status, 200);
        }
        end.send(()).unwrap();
        for change in [" -> 7", " -> 9"] {
            let event = listener.recv().await.unwrap();
            assert!(event.contains(change), "{event}");
        }
    });
}

#[test]
fn a_waiting_call_takes_the_settings_of_an_operator_while_no_blocking_thread_is_free() {
    with_a_busy_thread(async |_release| {
        let server = Server::with_token();
        let database = server.register("database", one_slot());
        let _running = database.try_acquire().unwrap();
        let call = waiting_call(&database).await;
        let larger = server.command("/circuits/database/configure").body(r#"{"max_concurrent": 2}"#);
        assert_eq!(HttpResponse::of(larger).await.status, 200);
        assert_eq!(call.await.unwrap(), Ok(1));
    });
}

#[test]
fn a_waiting_call_follows_a_command_while_no_blocking_thread_is_free() {
    with_a_busy_thread(async |_release| {
        let server = Server::with_token();
        let database = server.register("database", one_slot());
        let _running = database.try_acquire().unwrap();
        let call = waiting_call(&database).await;
        assert_eq!(HttpResponse::of(server.command("/circuits/database/force-open")).await.status, 200);
        assert_eq!(call.await.unwrap().unwrap_err().kind(), ErrorKind::ForcedOpen);
    });
}

#[test]
fn a_command_whose_client_disconnects_applies_to_all_keys() {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let server = Server::with_token();
        let hosts = server.registry.register_keyed("host", Config::default(), 2000).unwrap();
        let keys = || (0..2000).map(|nth| nth.to_string());
        keys().for_each(|key| drop(hosts.get(&key)));
        let open = || keys().filter(|key| hosts.get(key).state() == State::ForcedOpen).count();
        let client = tokio::spawn(server.command("/circuits/host/force-open").send());
        while open() == 0 {
            yield_now().await;
        }
        client.abort();
        while open() < 2000 {
            yield_now().await;
        }
    });
}
