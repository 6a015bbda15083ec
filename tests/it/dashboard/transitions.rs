//! The transitions in the JSON of a circuit: their times, and to which circuit they belong.

use breaker_runtime::{Config, KeyedBreaker, Outcome};
use serde_json::Value;

use super::server::Server;
use crate::support::{seconds, settings};

/// Returns the times since the transitions that a path shows.
async fn times(server: &Server, path: &str) -> Vec<f64> {
    let circuit = server.get(path).await.json();
    circuit["transitions"].as_array().unwrap().iter().map(|it| it["ago"].as_f64().unwrap()).collect()
}

fn hosts(server: &Server, settings: breaker_runtime::ConfigBuilder) -> KeyedBreaker {
    server.registry.register_keyed("host", settings.build().unwrap(), 100).unwrap()
}

#[tokio::test]
async fn the_time_of_an_opening_does_not_change_when_a_call_notices_it() {
    let server = Server::start();
    let recovery = Config::builder().recovery_timeout(seconds(7200)).failure_threshold(1);
    let hanging = server.register("hanging", recovery.clone().hang(seconds(10)));
    let leased = server.register("leased", recovery.half_open_timeout(seconds(30)).half_open_max_calls(1));
    leased.try_acquire().unwrap().settle(Outcome::Failure);
    server.clock.advance(seconds(7200));
    let (_hung, _trial) = (hanging.try_acquire().unwrap(), leased.try_acquire().unwrap());
    server.clock.advance(seconds(3600));
    for notices in [false, true] {
        if notices {
            assert!(hanging.try_acquire().is_err() && leased.try_acquire().is_err());
        }
        assert_eq!(times(&server, "/circuits/hanging").await, [3590.0], "{notices}");
        assert_eq!(times(&server, "/circuits/leased").await, [3570.0, 3600.0, 10800.0], "{notices}");
    }
}

#[tokio::test]
async fn transitions_that_are_noticed_late_are_shown_in_the_order_of_their_times() {
    let server = Server::start();
    let hosts = hosts(&server, Config::builder().recovery_timeout(seconds(7200)).hang(seconds(10)));
    let (x, y) = (hosts.get("x"), hosts.get("y"));
    let _hung = x.try_acquire().unwrap();
    server.clock.advance(seconds(600));
    y.force_open();
    server.clock.advance(seconds(600));
    y.release();
    assert!(x.try_acquire().is_err());
    assert_eq!(times(&server, "/circuits/host").await, [0.0, 600.0, 1190.0]);
}

#[tokio::test]
async fn a_key_shows_no_transitions_of_an_earlier_circuit_that_was_removed() {
    let server = Server::start();
    let hosts = hosts(&server, settings().failure_threshold(1).hang(seconds(10)));
    let reasons = async || -> Vec<Value> {
        let circuit = server.get("/circuits/host?key=eu-1").await.json();
        circuit["transitions"].as_array().unwrap().iter().map(|it| it["why"].clone()).collect()
    };
    hosts.get("eu-1").try_acquire().unwrap().fail("refused");
    assert_eq!(reasons().await, ["1 failure in a row (limit 1)"]);
    assert!(hosts.remove("eu-1").is_some());
    let next = hosts.get("eu-1");
    next.try_acquire().unwrap().settle(Outcome::Success);
    assert_eq!(reasons().await, [""; 0]);

    // It opens in the same generation as its predecessor, and no call notices it.
    let _hung = next.try_acquire().unwrap();
    server.clock.advance(seconds(15));
    assert_eq!(reasons().await, ["a call has been running for more than 10s"]);
    let all = server.get("/circuits/host").await.json();
    assert_eq!(all["transitions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn the_transition_of_the_worst_circuit_is_shown_among_many_newer_ones() {
    let server = Server::start();
    let hosts = hosts(&server, settings());
    hosts.get("eu-1").force_open();
    for _ in 0..20 {
        server.clock.advance(seconds(1));
        hosts.get("eu-2").reset();
    }
    let all = server.get("/circuits/host").await.json();
    let changes = all["transitions"].as_array().unwrap();
    assert_eq!((changes.len(), &changes[8]["key"]), (10, &"eu-2".into()));
    assert_eq!((&changes[9]["key"], &changes[9]["ago"]), (&"eu-1".into(), &20.0.into()));
}
