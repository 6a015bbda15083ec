//! The readiness endpoint.

use breaker_runtime::chaos::Drill;
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Fault, KeyedBreaker, Mode, Outcome, State};

use super::server::Server;
use crate::support::{RECOVERY, seconds, settings};

#[tokio::test]
async fn health_has_the_documented_format() {
    let server = Server::start();
    assert_eq!(server.get("/health/circuits").await.text, r#"{"status":"healthy","circuits":{}}"#);
    server.register("search", settings());
    let payment = server.register("payment", settings().critical(true));
    payment.try_acquire().unwrap().settle(Outcome::Success);
    while payment.try_acquire().map(|permit| permit.settle(Outcome::Failure)).is_ok() {}
    let response = server.get("/health/circuits").await;
    let expected = concat!(
        r#"{"status":"degraded","circuits":{"#,
        r#""payment":{"state":"open","error_rate":0.6666666666666666,"total_calls":4,"rejected_calls":1,"#,
        r#""retry_after":30.0,"critical":true},"#,
        r#""search":{"state":"closed","error_rate":null,"total_calls":0,"rejected_calls":0,"#,
        r#""retry_after":null,"critical":false}}}"#,
    );
    assert_eq!((response.status, response.text.as_str()), (503, expected));
}

#[tokio::test]
async fn the_error_rate_of_a_circuit_that_just_opened_is_that_of_its_totals() {
    let server = Server::start();
    let search = server.register("search", Config::builder().window_calls(10).failure_threshold(2));
    search.try_acquire().unwrap().settle(Outcome::Success);
    for _ in 0..2 {
        search.try_acquire().unwrap().settle(Outcome::Failure);
    }
    assert_eq!(search.snapshot().window.map(|window| window.calls), Some(0));
    let response = server.get("/health/circuits").await.json();
    assert_eq!(response["circuits"]["search"]["error_rate"], 2.0 / 3.0);
}

#[tokio::test]
async fn calls_that_a_drill_fails_are_in_the_error_rate() {
    let server = Server::start();
    let payment = server.register("payment", Config::builder().window_calls(10).failure_rate(0.5));
    let stock = server.register("stock", Config::builder());
    for _ in 0..5 {
        payment.try_acquire().unwrap().settle(Outcome::Success);
    }
    let rates = async || {
        let health = server.get("/health/circuits").await.json();
        ["payment", "stock"].map(|name| health["circuits"][name]["error_rate"].as_f64())
    };
    for name in ["payment", "stock"] {
        drop(Drill::new(Fault::fail(1.0), seconds(60)).start(&server.registry, name).unwrap());
    }
    for _ in 0..4 {
        assert!(payment.try_acquire().is_err() && stock.try_acquire().is_err());
    }
    assert_eq!(rates().await, [Some(4.0 / 9.0), Some(1.0)]);
    assert!(payment.try_acquire().is_err() && stock.try_acquire().is_err());
    assert_eq!([payment.state(), stock.state()], [State::Open; 2]);
    assert_eq!(rates().await, [Some(0.5), Some(1.0)]);
}

#[tokio::test]
async fn an_open_breaker_does_not_make_the_service_unready_unless_it_is_critical() {
    let server = Server::start();
    let search = server.register("search", settings());
    search.force_open();
    let response = server.get("/health/circuits").await;
    assert_eq!((response.status, &response.json()["status"]), (200, &"degraded".into()));
    for path in ["/health/circuits?all", "/health/circuits?all=true"] {
        assert_eq!(server.get(path).await.status, 503);
    }
    search.release();
    assert_eq!(server.get("/health/circuits?all").await.status, 200);
}

#[tokio::test]
async fn a_critical_circuit_that_needs_calls_to_recover_does_not_make_the_service_unready() {
    let server = Server::start();
    let payment = server.register("payment", settings().critical(true));
    let status = async || server.get("/health/circuits").await.status;
    for _ in 0..2 {
        payment.try_acquire().unwrap().settle(Outcome::Failure);
    }
    assert_eq!(status().await, 503);
    server.clock.advance(RECOVERY);
    assert_eq!(status().await, 200);
    let trial = payment.try_acquire().unwrap();
    assert_eq!(status().await, 200); // half-open
    trial.settle(Outcome::Failure);
    assert_eq!(status().await, 503);
    payment.disable();
    assert_eq!(status().await, 200);
    payment.force_open();
    assert_eq!(status().await, 503);
}

#[tokio::test]
async fn the_error_rate_is_that_of_the_window_if_there_is_one() {
    let server = Server::start();
    let breaker = server.register("search", settings().window_calls(2).consecutive_failures(100));
    for outcome in [Outcome::Failure, Outcome::Success, Outcome::Failure, Outcome::Success] {
        breaker.try_acquire().unwrap().settle(outcome);
    }
    breaker.try_acquire().unwrap().settle(Outcome::Success);
    let health = server.get("/health/circuits").await.json();
    assert_eq!(health["circuits"]["search"]["error_rate"], 0.0);
}

/// Returns a critical breaker with keys whose circuits open at the first failure.
fn critical_hosts(server: &Server, settings: ConfigBuilder) -> KeyedBreaker {
    let config = settings.critical(true).failure_threshold(1).recovery_timeout(seconds(10)).build().unwrap();
    server.registry.register_keyed("host", config, 3).unwrap()
}

fn fail(circuit: &CircuitBreaker) {
    circuit.try_acquire().unwrap().settle(Outcome::Failure);
}

#[tokio::test]
async fn a_critical_breaker_with_keys_makes_the_service_unready_only_if_every_key_rejects() {
    let server = Server::start();
    let hosts = critical_hosts(&server, Config::builder());
    let ready = async || {
        (server.get("/health/circuits").await.status, server.get("/health/circuits?all").await.status)
    };
    assert_eq!(ready().await, (200, 200)); // no key has a circuit
    drop(hosts.get("good"));
    fail(&hosts.get("bad"));
    assert_eq!(ready().await, (200, 200));
    let health = server.get("/health/circuits").await.json();
    assert_eq!(
        (&health["status"], &health["circuits"]["host"]["state"]),
        (&"degraded".into(), &"open".into())
    );
    hosts.get("good").force_open();
    assert_eq!(ready().await, (503, 503));
    hosts.get("good").disable();
    assert_eq!(ready().await, (200, 200));
    hosts.get("good").force_open();
    drop(hosts.get("new"));
    assert_eq!(ready().await, (200, 200));
}

#[tokio::test]
async fn a_key_that_needs_calls_to_recover_keeps_the_service_ready() {
    let server = Server::start();
    let hosts = critical_hosts(&server, Config::builder());
    let status = async || server.get("/health/circuits").await.status;
    fail(&hosts.get("a"));
    server.clock.advance(seconds(4));
    fail(&hosts.get("b"));
    assert_eq!(status().await, 503);
    server.clock.advance(seconds(6));
    assert_eq!(status().await, 200); // the trial call of `a` is due
    let a = hosts.get("a");
    let trial = a.try_acquire().unwrap();
    assert_eq!((status().await, a.state()), (200, State::HalfOpen));
    trial.settle(Outcome::Failure);
    assert_eq!(status().await, 503);
    hosts.get("a").force_open();
    server.clock.advance(seconds(4));
    assert_eq!(status().await, 200); // that of `b`
    hosts.get("b").force_open();
    let health = server.get("/health/circuits").await;
    assert_eq!((health.status, &health.json()["circuits"]["host"]["state"]), (503, &"forced_open".into()));
}

#[tokio::test]
async fn keys_that_waive_their_rejections_keep_the_service_ready() {
    let server = Server::start();
    let hosts = critical_hosts(&server, Config::builder().max_open(0.5));
    let both = ["a", "b"].map(|host| hosts.get(host));
    for host in &both {
        fail(host);
    }
    let status = async || server.get("/health/circuits").await.status;
    assert_eq!(status().await, 200);
    hosts.get("b").force_open();
    assert_eq!(status().await, 503);
}

#[tokio::test]
async fn the_overflow_circuit_is_no_key() {
    let server = Server::start();
    let hosts = critical_hosts(&server, Config::builder());
    let status = async || server.get("/health/circuits").await.status;
    hosts.overflow().force_open();
    assert_eq!(status().await, 200); // no key has a circuit
    hosts.overflow().release();
    for host in ["a", "b", "c"] {
        hosts.get(host).force_open();
    }
    assert_eq!(hosts.get("without a slot").key(), None);
    assert_eq!(status().await, 503);
}

#[tokio::test]
async fn the_settings_of_one_key_do_not_change_whether_the_breaker_is_critical() {
    for is_critical in [true, false] {
        let server = Server::start();
        let config = |critical| Config::builder().critical(critical).build().unwrap();
        let hosts = server.registry.register_keyed("host", config(is_critical), 3).unwrap();
        hosts.get("a").set_config(config(!is_critical));
        hosts.get("a").force_open();
        let health = server.get("/health/circuits").await;
        assert_eq!(health.status, if is_critical { 503 } else { 200 });
        assert_eq!(health.json()["circuits"]["host"]["critical"], is_critical);
        assert_eq!(server.get("/circuits/host").await.json()["critical"], is_critical);
        assert_eq!(hosts.snapshot().critical, is_critical);
    }
}

#[tokio::test]
async fn keys_in_shadow_mode_do_not_make_the_service_unready() {
    let server = Server::start();
    let hosts = critical_hosts(&server, Config::builder().mode(Mode::Shadow));
    fail(&hosts.get("a"));
    hosts.get("b").force_open();
    assert_eq!(server.get("/health/circuits").await.status, 200);
}

#[tokio::test]
async fn a_critical_breaker_in_shadow_mode_does_not_make_the_service_unready() {
    let server = Server::start();
    let breaker = server.register("trial run", settings().mode(Mode::Shadow).critical(true));
    breaker.force_open();
    assert!(breaker.try_acquire().is_ok());
    assert_eq!(server.get("/health/circuits").await.status, 200);
}
