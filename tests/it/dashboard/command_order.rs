//! The order of commands and of their events, over any router of the registry. Requests are made without a network, so
//! that each test decides when a command begins.

use std::sync::{Mutex, mpsc};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use breaker_runtime::{
    CircuitBreaker, Config, ConfigLayer, ConfigSection, Event, KeyedBreaker, Registry, State, Subscription,
};
use futures_util::FutureExt as _;
use serde_json::Value;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::{spawn, yield_now};
use tower::ServiceExt as _;

use super::server::{TOKEN, dashboard};

fn router(registry: &Registry) -> Router {
    dashboard(registry).token(TOKEN).router()
}

fn hosts(registry: &Registry, count: u32) -> KeyedBreaker {
    let hosts = registry.register_keyed("host", Config::default(), count).unwrap();
    (0..count).for_each(|nth| drop(hosts.get(&nth.to_string())));
    hosts
}

fn count(hosts: &KeyedBreaker, state: State) -> usize {
    hosts.iter().filter(|circuit| circuit.state() == state).count()
}

async fn post(router: Router, path: &str, body: &str) -> u16 {
    let request = Request::post(path)
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("x-breaker-operator", "alice")
        .body(Body::from(body.to_owned()))
        .unwrap();
    router.oneshot(request).await.unwrap().status().as_u16()
}

fn run(test: impl Future<Output = ()>) {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

/// Registers a listener that passes events on, and before that waits once until the test sends to the second channel.
fn listen(registry: &Registry) -> (UnboundedReceiver<Event>, mpsc::Sender<()>, Subscription) {
    let ((heard, events), (release, released)) = (unbounded_channel(), mpsc::channel());
    let released = Mutex::new(Some(released));
    let subscription = registry.listen(move |event: &Event| {
        let first = released.lock().unwrap().take();
        if let Some(released) = first {
            _ = released.recv();
        }
        _ = heard.send(event.clone());
    });
    (events, release, subscription)
}

#[test]
fn an_answered_command_is_not_overridden_by_an_earlier_one_whose_client_is_gone() {
    run(async {
        let registry = Registry::new();
        let hosts = hosts(&registry, 2_000);
        let client = spawn(post(router(&registry), "/circuits/host/force-open", "").map(drop));
        while count(&hosts, State::ForcedOpen) == 0 {
            yield_now().await;
        }
        client.abort();
        // The earlier command comes to this circuit last.
        let later = hosts.iter().last().unwrap();
        assert_eq!(later.state(), State::Closed);
        let path = format!("/circuits/host/release?key={}", later.key().unwrap());
        assert_eq!(post(router(&registry), &path, "").await, 200);
        while count(&hosts, State::ForcedOpen) < 1_999 {
            yield_now().await;
        }
        assert_eq!(later.state(), State::Closed);
    });
}

#[test]
fn a_command_begins_when_it_arrives_also_if_its_client_is_gone_at_once() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let registry = Registry::new();
        let hosts = hosts(&registry, 500);
        for round in 0..50 {
            _ = post(router(&registry), "/circuits/host/force-open", "").now_or_never();
            let (path, state) =
                if round % 2 == 0 { ("release", State::Closed) } else { ("disable", State::Disabled) };
            assert_eq!(post(router(&registry), &format!("/circuits/host/{path}"), "").await, 200);
            assert_eq!(count(&hosts, state), 500, "{round}");
        }
    });
}

#[test]
fn two_commands_at_once_take_effect_one_after_the_other() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let registry = Registry::new();
        let hosts = hosts(&registry, 500);
        for nth in 0..100 {
            registry.register(format!("other {nth}"), Config::default()).unwrap();
        }
        for round in 0..50 {
            let command = |path: &'static str| spawn(post(router(&registry), path, ""));
            let (open, disable) = (command("/circuits/force-open"), command("/circuits/disable"));
            assert_eq!((open.await.unwrap(), disable.await.unwrap()), (200, 200));
            let circuits: Vec<_> = hosts.iter().chain(registry.iter()).collect();
            let disabled = circuits.iter().filter(|circuit| circuit.state() == State::Disabled).count();
            assert!([0, 600].contains(&disabled), "{round}: {disabled}");
        }
    });
}

#[test]
fn the_events_of_commands_over_several_routers_are_in_their_order() {
    run(async {
        let registry = Registry::new();
        registry.register("payment", Config::default()).unwrap();
        let (mut events, release, _subscription) = listen(&registry);
        let routers = [router(&registry), router(&registry)];
        for nth in 11..=20 {
            let body = format!("{{\"failure_threshold\": {nth}}}");
            assert_eq!(post(routers[nth % 2].clone(), "/circuits/payment/configure", &body).await, 200);
        }
        release.send(()).unwrap();
        for nth in 11..=20 {
            let event = events.recv().await.unwrap().to_string();
            assert!(event.contains(&format!(" -> {nth} ")), "{nth}: {event}");
        }
    });
}

#[test]
fn a_listener_that_does_not_return_loses_the_oldest_events_of_settings_and_no_state_change() {
    run(async {
        let registry = Registry::new();
        registry.register("payment", Config::default()).unwrap();
        let (mut events, release, _subscription) = listen(&registry);
        let router = router(&registry);
        assert_eq!(post(router.clone(), "/circuits/payment/force-open", "").await, 200);
        for nth in 0..1_030 {
            let body = format!("{{\"failure_threshold\": {}}}", 10 + nth);
            assert_eq!(post(router.clone(), "/circuits/payment/configure", &body).await, 200);
        }
        assert_eq!(post(router, "/circuits/payment/release", "").await, 200);
        release.send(()).unwrap();
        let (mut changes, mut settings) = (0, Vec::new());
        while changes < 2 || settings.len() < 1_024 {
            let event = events.recv().await.unwrap();
            if matches!(event, Event::StateChanged(_)) {
                changes += 1;
            } else {
                settings.push(event.to_string());
            }
        }
        assert!(settings[0].contains("15 -> 16 "), "{}", settings[0]);
        assert!(settings[1_023].contains("1038 -> 1039 "), "{}", settings[1_023]);
    });
}

#[test]
fn settings_of_many_keys_that_no_call_uses_are_applied_off_the_async_threads() {
    for (keys, needs_thread) in [(100, false), (4_000, true)] {
        let runtime = Builder::new_current_thread().max_blocking_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let registry = Registry::new();
            let hosts = registry.register_keyed("host", Config::default(), 10).unwrap();
            let of_key = |nth: u32| {
                let settings = Config::builder().failure_threshold(9);
                ConfigSection::new("host", settings).for_key(nth.to_string())
            };
            registry.apply_layer(ConfigLayer::File, (0..keys).map(of_key)).unwrap();
            let (release, released) = mpsc::channel::<()>();
            drop(tokio::task::spawn_blocking(move || released.recv()));
            let command = spawn({
                let router = router(&registry);
                async move { post(router, "/circuits/host/configure", r#"{"success_threshold": 3}"#).await }
            });
            for _ in 0..50 {
                yield_now().await;
            }
            assert_eq!(command.is_finished(), !needs_thread, "{keys}");
            // A command that changes states waits for no thread, and so not for the settings.
            assert_eq!(post(router(&registry), "/circuits/force-open", "").await, 200);
            drop(release);
            assert_eq!(command.await.unwrap(), 200);
            assert_eq!(hosts.config().success_threshold(), 3);
        });
    }
}

#[test]
fn an_idle_breaker_shows_the_same_transitions_in_each_reading() {
    run(async {
        // Its clock is that of the system, so the times of the transitions differ.
        let registry = Registry::new();
        let hosts = hosts(&registry, 190);
        let router = router(&registry);
        let circuits: Vec<_> = hosts.iter().collect();
        for circuit in &circuits[..12] {
            circuit.try_acquire().unwrap().fail("refused");
            circuit.disable();
        }
        circuits.iter().rev().take(12).for_each(CircuitBreaker::disable);
        let mut readings = Vec::new();
        for _ in 0..20 {
            let request = Request::get("/circuits/host").body(Body::empty()).unwrap();
            let response = router.clone().oneshot(request).await.unwrap();
            let json: Value =
                serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap();
            let keys = json["transitions"].as_array().unwrap().iter().map(|it| it["key"].clone());
            readings.push(keys.collect::<Vec<_>>());
        }
        let newest: Vec<_> =
            circuits[178..187].iter().map(|circuit| Value::from(circuit.key().unwrap())).collect();
        assert_eq!((readings[0].len(), &readings[0][..9]), (10, &newest[..]));
        assert!(readings.iter().all(|reading| *reading == readings[0]), "{readings:#?}");
    });
}
