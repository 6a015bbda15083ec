//! Monitoring in operation: a real Prometheus scrapes the checkout example, and promtool checks its metrics
//! and the alert rules. A test whose tool is not installed is skipped with a message, unless
//! `BREAKER_TESTS=all`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that lacks something has failed"
)]

#[path = "monitoring/checkout.rs"]
mod checkout;
#[path = "monitoring/prometheus.rs"]
mod prometheus;
#[path = "monitoring/promtool.rs"]
mod promtool;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use breaker_runtime::integrations::axum::router;
use breaker_runtime::{Config, Sharing};
use breaker_tests::fleet_processes::FleetProcesses;
use breaker_tests::programs::is_installed;
use checkout::Checkout;
use prometheus::Prometheus;
use promtool::promtool;
use reqwest::{Client, Response};

const OBSERVABILITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/observability");

/// Maximum time until every expression finds data: twice the length of the example's story.
const DATA_LIMIT: Duration = Duration::from_secs(60);

/// Sends a GET request to a server on loopback, without the proxy of the environment.
async fn http_get(url: &str) -> Response {
    Client::builder().no_proxy().build().unwrap().get(url).send().await.unwrap()
}

#[test]
fn promtool_accepts_the_alerts_and_their_tests_pass() {
    if is_installed("promtool") {
        promtool(&["check", "rules", "alerts.yml"], "");
        promtool(&["test", "rules", "alerts_test.yml"], "");
    }
}

#[tokio::test]
async fn promtool_accepts_the_metrics_of_the_example_and_no_series_is_missing() {
    let shop = Checkout::start();
    shop.buy().await;
    let metrics = shop.metrics().await;
    // The example has no queue.
    let families = metrics.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let families: Vec<&str> = families.filter(|family| !family.contains("_queue_")).collect();
    assert!(families.len() > 9, "{metrics}");
    for family in families {
        let (name, _) = family.split_once(' ').unwrap();
        assert!(metrics.lines().any(|line| line.starts_with(name)), "the example has no {name}:\n{metrics}");
    }
    if is_installed("promtool") {
        promtool(&["check", "metrics"], &metrics);
    }
}

// Before, an open tab delayed SIGTERM until its stream ended, up to 30 s. The rest is for a loaded machine.
#[cfg(unix)]
#[tokio::test]
async fn an_open_dashboard_does_not_delay_the_end_of_the_example() {
    let shop = Checkout::start();
    let mut stream = shop.open_stream().await;
    assert!(stream.chunk().await.unwrap().is_some());
    let start = Instant::now();
    let status = tokio::task::spawn_blocking(|| shop.terminate()).await.unwrap();
    assert!(status.success() && start.elapsed() < Duration::from_secs(25), "{status}, {:?}", start.elapsed());
    let mut last = Vec::new();
    while let Some(chunk) = stream.chunk().await.unwrap() {
        last.extend(chunk);
    }
    assert!(last.ends_with(b"event: shutdown\ndata: {}\n\n"));
}

#[tokio::test]
async fn every_expression_of_the_dashboard_finds_data_in_a_prometheus_that_scrapes_the_example() {
    if !is_installed("prometheus") {
        return;
    }
    let shop = Checkout::start();
    let prometheus = Prometheus::start(shop.address());
    let mut expressions = dashboard_expressions();
    expressions.retain(|expression| !is_of_fleet(expression));
    assert!(expressions.len() > 10, "the dashboard has panels");
    // The counters start at zero, so the first outage counts.
    expressions.push("increase(circuit_breaker_state_changes_total{to=\"open\"}[1m]) > 0".to_owned());
    let deadline = Instant::now() + DATA_LIMIT;
    for expression in expressions {
        while prometheus.query(&expression).await == 0 {
            assert!(Instant::now() < deadline, "no data for {expression} within {DATA_LIMIT:?}");
            shop.buy().await;
        }
    }
    assert_eq!(prometheus.query("circuit_breaker_no_such_series").await, 0);
}

#[tokio::test]
async fn every_expression_about_a_fleet_finds_data_in_a_prometheus_that_scrapes_one_of_its_processes() {
    if !is_installed("prometheus") {
        return;
    }
    let Some(processes) = FleetProcesses::start(2) else { return };
    let config = Config::builder().shared(Sharing::Quorum).consecutive_failures(1);
    let payment = processes.register("payment", &config);
    processes.open(&payment, &payment);
    let app = router(&processes.registries[0]);
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    let prometheus = Prometheus::start(&address.to_string());
    let deadline = Instant::now() + DATA_LIMIT;
    let expressions: Vec<_> = dashboard_expressions().into_iter().filter(|it| is_of_fleet(it)).collect();
    assert!(expressions.len() > 7, "the dashboard has panels");
    for expression in expressions {
        while prometheus.query(&expression).await == 0 {
            assert!(Instant::now() < deadline, "no data for {expression} within {DATA_LIMIT:?}");
        }
    }
    let metrics = http_get(&format!("http://{address}/metrics")).await.text().await.unwrap();
    if is_installed("promtool") {
        promtool(&["check", "metrics"], &metrics);
    }
    server.abort();
}

/// Returns `true` if an expression reads metrics that only a process of a fleet has.
fn is_of_fleet(expression: &str) -> bool {
    let names = ["circuit_breaker_fleet_", "circuit_breaker_sync_", "circuit_breaker_probe_leases_"];
    names.iter().any(|name| expression.contains(name))
}

/// Returns the expressions of `grafana.json`, with its variables replaced by their values.
fn dashboard_expressions() -> Vec<String> {
    let dashboard = std::fs::read_to_string(format!("{OBSERVABILITY}/grafana.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    targets
        .map(|target| {
            target["expr"].as_str().unwrap().replace("$circuit", ".*").replace("$__rate_interval", "30s")
        })
        .collect()
}
