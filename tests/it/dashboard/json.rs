//! The exact JSON of circuits.

use std::time::Duration;

use breaker_runtime::{BreakerError, Config, Outcome, Registry, Setting, circuit_breaker};
use serde_json::Value;

use super::server::Server;
use crate::support::{seconds, settings};

/// Removes line breaks and indentation.
fn one_line(json: &str) -> String {
    json.lines().map(str::trim).collect()
}

const NEW: &str = r#"{"circuits":[{"name":"payment","key":null,"state":"closed","time_in_state":1.5,
    "retry_after":null,"ramp":null,"generation":0,"critical":false,"consecutive_failures":0,"window":null,
    "trials_in_flight":0,"calls_in_flight":null,
    "totals":{"successes":0,"failures":0,"timeouts":0,"injected":0,"delayed":0,"ignored":0,"rejected":0,
    "rejections":{"open":0,"half_open":0,"ramping":0,"forced_open":0,"bulkhead":0},"fallbacks":{"successes":0,"failures":0},
    "cancellations":{"ignored":0,"failures":0}},
    "shadow_rejections":0,"waived_rejections":0,"waives":false,"durations":null,"time_open":0.0,"queue":null,"drill":null,"opened":0,"keys":null,"fleet":null,
    "settings":{"failure_threshold":5,"consecutive_failures":5,"failure_rate":null,"slow_call":null,
    "slow_call_rate":null,"window_calls":null,"window_time":null,"minimum_calls":10,"recovery_timeout":30.0,
    "backoff":1.0,"max_recovery_timeout":300.0,"jitter":0.0,"half_open_max_calls":3,"success_threshold":3,
    "half_open_timeout":30.0,"ramp":null,"hang":null,"call_timeout":null,"max_concurrent":null,"max_wait":0.0,"cancelled_after":1.0,"max_open":1.0,
    "shared":"local","adopt":"unless_healthy","mode":"enforce",
    "durations":false},"sources":{},"settings_changes":[],"transitions":[]}]}"#;

#[tokio::test]
async fn a_new_circuit_has_the_documented_json() {
    let server = Server::start();
    assert_eq!(server.get("/circuits").await.text, r#"{"circuits":[]}"#);
    server.register("payment", Config::builder());
    server.clock.advance(Duration::from_millis(1500));
    assert_eq!(server.get("/circuits").await.text, one_line(NEW));
}

const TRIPPED: &str = r#"{"name":"payment","key":null,"state":"open","time_in_state":2.5,"retry_after":27.5,"ramp":null,
    "generation":1,"critical":true,"consecutive_failures":0,
    "window":{"calls":0,"failures":0,"slow":0,"failure_rate":null,"slow_call_rate":null},
    "trials_in_flight":0,"calls_in_flight":0,
    "totals":{"successes":2,"failures":2,"timeouts":0,"injected":0,"delayed":0,"ignored":1,"rejected":1,
    "rejections":{"open":1,"half_open":0,"ramping":0,"forced_open":0,"bulkhead":0},"fallbacks":{"successes":0,"failures":0},
    "cancellations":{"ignored":0,"failures":0}},"shadow_rejections":0,"waived_rejections":0,"waives":false,
    "durations":{"count":4,"mean":0.0,"p50":5.12e-7,"p95":5.12e-7,"p99":5.12e-7},"time_open":2.5,"queue":null,"drill":null,"opened":1,
    "keys":null,"fleet":null,
    "settings":{"failure_threshold":null,"consecutive_failures":null,"failure_rate":0.5,"slow_call":null,
    "slow_call_rate":null,"window_calls":null,"window_time":60.0,"minimum_calls":4,"recovery_timeout":30.0,
    "backoff":2.0,"max_recovery_timeout":null,"jitter":0.0,"half_open_max_calls":3,"success_threshold":3,
    "half_open_timeout":30.0,"ramp":null,"hang":null,"call_timeout":1.0,"max_concurrent":3,"max_wait":0.25,"cancelled_after":1.0,"max_open":1.0,
    "shared":"local","adopt":"unless_healthy","mode":"enforce",
    "durations":true},
    "sources":{SOURCES},"settings_changes":[],
    "transitions":[{"key":null,"ago":2.5,"from":"closed","to":"open","cause":"threshold_reached","generation":1,
    "trip":{"rule":"failure_rate","found":2,"calls":4,"limit":0.5},
    "last_failure":"no \"route\" to host","retry_after":null,"initiator":null,
    "why":"2 of 4 calls failed (limit 0.5)"}]}"#;

#[tokio::test]
async fn an_open_circuit_contains_the_reason() {
    let server = Server::start();
    let config = Config::builder()
        .window_time(seconds(60))
        .failure_rate(0.5)
        .minimum_calls(4)
        .backoff(2.0)
        .max_recovery_timeout(Duration::MAX)
        .call_timeout(seconds(1))
        .max_concurrent(3)
        .max_wait(Duration::from_millis(250))
        .critical(true)
        .durations(true);
    let breaker = server.register("payment", config);
    for outcome in [Outcome::Success, Outcome::Success, Outcome::Ignored, Outcome::Failure] {
        breaker.try_acquire().unwrap().settle(outcome);
    }
    breaker.try_acquire().unwrap().fail("no \"route\"\nto host");
    server.clock.advance(Duration::from_millis(2500));
    assert!(breaker.try_acquire().is_err());
    let source = serde_json::to_string(&breaker.snapshot().settings.source(Setting::FailureRate)).unwrap();
    let decided =
        ["failure_rate", "window", "minimum_calls", "backoff", "max_recovery_timeout", "call_timeout"];
    let decided = decided.into_iter().chain(["max_concurrent", "max_wait", "critical", "durations"]);
    let sources: Vec<_> = decided.map(|setting| format!("{setting:?}:{source}")).collect();
    let expected = one_line(TRIPPED).replace("SOURCES", &sources.join(","));
    assert_eq!(server.get("/circuits/payment").await.text, expected);
}

#[tokio::test]
async fn every_trip_reason_has_its_figures() {
    let server = Server::start();
    let in_window = Config::builder().window_calls(10).failure_threshold(1);
    let slow = Config::builder().window_calls(10).minimum_calls(1).slow_call(seconds(1)).slow_call_rate(0.5);
    for (name, config, trip) in [
        (
            "run",
            Config::builder().failure_threshold(1),
            r#"{"rule":"consecutive_failures","found":1,"calls":null,"limit":1.0}"#,
        ),
        ("window", in_window, r#"{"rule":"failure_threshold","found":1,"calls":1,"limit":1.0}"#),
        ("slow", slow, r#"{"rule":"slow_call_rate","found":1,"calls":1,"limit":0.5}"#),
    ] {
        let breaker = server.register(name, config);
        let permit = breaker.try_acquire().unwrap();
        server.clock.advance(seconds(1));
        permit.settle(Outcome::Failure);
        let response = server.get(&format!("/circuits/{name}")).await;
        assert!(response.text.contains(&format!(r#""trip":{trip}"#)), "{}", response.text);
    }
}

#[tokio::test]
async fn transitions_are_the_last_ten_newest_first() {
    let server = Server::start();
    let breaker = server.register("search", Config::builder());
    for _ in 0..6 {
        server.clock.advance(seconds(1));
        breaker.operator("alice").force_open();
        server.clock.advance(seconds(1));
        breaker.operator("bob").release();
    }
    let circuit = server.get("/circuits/search").await.json();
    let changes = circuit["transitions"].as_array().unwrap();
    let generations: Vec<_> = changes.iter().map(|change| change["generation"].as_u64().unwrap()).collect();
    assert_eq!(generations, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
    assert_eq!(
        (&changes[0]["initiator"], &changes[0]["cause"], &changes[0]["ago"]),
        (&"bob".into(), &"released".into(), &0.0.into())
    );
    assert_eq!((&changes[9]["initiator"], &changes[9]["ago"]), (&"alice".into(), &9.0.into()));
}

#[tokio::test]
async fn the_transitions_of_a_key_are_kept_when_other_keys_change() {
    let server = Server::start();
    let hosts = server.registry.register_keyed("host", Config::default(), 200).unwrap();
    let change = |key: &str| {
        server.clock.advance(seconds(1));
        hosts.get(key).force_open();
        hosts.get(key).release();
    };
    let generations = async |key: &str| -> Vec<u64> {
        let circuit = server.get(&format!("/circuits/host?key={key}")).await.json();
        let changes = circuit["transitions"].as_array().unwrap();
        assert!(changes.iter().all(|change| change["key"] == key), "{changes:?}");
        changes.iter().map(|change| change["generation"].as_u64().unwrap()).collect()
    };
    for _ in 0..6 {
        change("eu");
        change("us");
    }
    assert_eq!(generations("eu").await, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
    let breaker = server.get("/circuits/host").await.json();
    let keys: Vec<&Value> = breaker["transitions"].as_array().unwrap().iter().map(|it| &it["key"]).collect();
    assert_eq!(keys, ["us", "us", "eu", "eu", "us", "us", "eu", "eu", "us", "us"]);

    // Of the keys that changed least recently, only the last transition of each is shown.
    (0..99).for_each(|number| change(&format!("other{number}")));
    assert_eq!(generations("us").await.len(), 10);
    assert_eq!(generations("eu").await, [12]);
}

#[tokio::test]
async fn the_last_transition_before_the_router_was_created_is_shown() {
    let server = Server::with(|_| axum::Router::new());
    server.register("early", settings()).operator("alice").disable();
    server.clock.advance(seconds(3));
    let late = Server::for_registry(&server.registry);
    let circuit = late.get("/circuits/early").await.json();
    assert_eq!(
        (&circuit["transitions"][0]["cause"], &circuit["transitions"][0]["ago"]),
        (&"disabled".into(), &3.0.into())
    );
}

const KEYS: &str = r#"{"count":2,"most":100,
    "states":{"closed":1,"open":1,"half_open":0,"forced_open":0,"disabled":0},"worst":[
    {"key":"eu \"1\"","state":"open","time_in_state":0.0,"retry_after":30.0,"ramp":null,"generation":1,"critical":false,
    "consecutive_failures":0,"window":null,"trials_in_flight":0,"calls_in_flight":null,
    "totals":{"successes":0,"failures":1,"timeouts":0,"injected":0,"delayed":0,"ignored":0,"rejected":0,
    "rejections":{"open":0,"half_open":0,"ramping":0,"forced_open":0,"bulkhead":0},"fallbacks":{"successes":0,"failures":0},
    "cancellations":{"ignored":0,"failures":0}},
    "shadow_rejections":0,"waived_rejections":0,"waives":false,"durations":null,"time_open":0.0,"queue":null,"drill":null,"opened":1},
    {"key":"us","state":"closed","time_in_state":0.0,"retry_after":null,"ramp":null,"generation":0,"critical":false,
    "consecutive_failures":0,"window":null,"trials_in_flight":0,"calls_in_flight":null,
    "totals":{"successes":1,"failures":0,"timeouts":0,"injected":0,"delayed":0,"ignored":0,"rejected":0,
    "rejections":{"open":0,"half_open":0,"ramping":0,"forced_open":0,"bulkhead":0},"fallbacks":{"successes":0,"failures":0},
    "cancellations":{"ignored":0,"failures":0}},
    "shadow_rejections":0,"waived_rejections":0,"waives":false,"durations":null,"time_open":0.0,"queue":null,"drill":null,"opened":0}]}"#;

#[tokio::test]
async fn a_breaker_with_keys_shows_its_totals_and_its_worst_circuits() {
    let server = Server::start();
    let config = Config::builder().failure_threshold(1).build().unwrap();
    let shops = server.registry.register_keyed("shop", config, 100).unwrap();
    let none = server.get("/circuits/shop").await.json();
    assert_eq!((&none["state"], &none["keys"]["count"]), (&"closed".into(), &0.into()));

    shops.get("us").try_acquire().unwrap().settle(Outcome::Success);
    shops.get("eu \"1\"").try_acquire().unwrap().settle(Outcome::Failure);
    let response = server.get("/circuits/shop").await;
    assert!(response.text.contains(&one_line(KEYS)), "{}", response.text);
    let shop = response.json();
    assert_eq!((&shop["state"], &shop["transitions"][0]["key"]), (&"open".into(), &"eu \"1\"".into()));
    assert_eq!((&shop["totals"]["successes"], &shop["totals"]["failures"]), (&1.into(), &1.into()));

    let eu = server.get("/circuits/shop?key=eu%20%221%22").await.json();
    assert_eq!((&eu["key"], &eu["state"], &eu["keys"]), (&"eu \"1\"".into(), &"open".into(), &().into()));
    assert_eq!(eu["transitions"].as_array().unwrap().len(), 1);
    let us = server.get("/circuits/shop?key=us").await.json();
    assert_eq!((&us["state"], us["transitions"].as_array().unwrap().len()), (&"closed".into(), 0));
}

#[tokio::test]
async fn of_many_keys_only_the_ten_worst_are_shown() {
    let server = Server::start();
    let config = Config::builder().failure_threshold(3).build().unwrap();
    let shops = server.registry.register_keyed("shop", config, 1000).unwrap();
    for key in 0..300 {
        shops.get(&format!("k{key}")).try_acquire().unwrap().settle(Outcome::Success);
    }
    shops.get("k7").disable();
    shops.get("k8").force_open();
    shops.get("k9").try_acquire().unwrap().settle(Outcome::Failure);
    let shop = server.get("/circuits/shop").await.json();
    let worst = shop["keys"]["worst"].as_array().unwrap();
    let keys: Vec<_> = worst.iter().map(|circuit| circuit["key"].as_str().unwrap()).collect();
    assert_eq!((keys.len(), &keys[..3]), (10, ["k8", "k7", "k9"].as_slice()));
    assert_eq!((&shop["keys"]["states"]["closed"], &shop["totals"]["successes"]), (&298.into(), &300.into()));
}

#[circuit_breaker(name = "dashboard: uncalled", failure_threshold = 7, window = 20, durations = true)]
fn never_called_before() -> Result<(), BreakerError> {
    Ok(())
}

#[tokio::test]
async fn a_function_that_was_never_called_is_listed() {
    let server = Server::for_registry(&Registry::global());
    let listed = async |path: &str| {
        let all = server.get("/circuits").await.json();
        let circuits = all["circuits"].as_array().unwrap();
        let found = circuits.iter().filter(|circuit| circuit["name"] == "dashboard: uncalled").count();
        (found, server.get(path).await.json())
    };
    let path = "/circuits/dashboard:%20uncalled";
    let (found, circuit) = listed(path).await;
    assert_eq!((found, &circuit["state"]), (1, &"uncalled".into()));
    assert!(circuit["window"].is_null() && circuit["durations"].is_null(), "{circuit}");
    assert_eq!(circuit["settings"]["failure_threshold"], 7);
    assert!(circuit["declared_at"].as_str().unwrap().contains("json.rs:"), "{circuit}");
    let health = server.get("/health/circuits").await.json();
    assert!(health["circuits"].get("dashboard: uncalled").is_none());

    never_called_before().unwrap();
    let (found, circuit) = listed(path).await;
    assert_eq!((found, &circuit["state"], circuit.get("declared_at")), (1, &"closed".into(), None));
    let own = Server::start();
    assert_eq!(own.get("/circuits").await.json()["circuits"].as_array().unwrap().len(), 0);
}
