//! Monitoring as it is in service: a real Prometheus scrapes annotated functions over HTTP, and promtool judges
//! the page and the alerts. What is not installed is left out and said so, unless `BREAKER_TESTS=all`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test that lacks something has failed"
)]

#[path = "monitoring/prometheus.rs"]
mod prometheus;
#[path = "monitoring/promtool.rs"]
mod promtool;
#[path = "monitoring/shop.rs"]
mod shop;

use breaker_tests::programs::found;
use prometheus::Prometheus;
use promtool::promtool;
use shop::Shop;

const OBSERVABILITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/observability");

#[test]
fn promtool_finds_nothing_wrong_with_the_alerts_and_they_pass_their_tests() {
    if found("promtool") {
        promtool(&["check", "rules", "alerts.yml"], "");
        promtool(&["test", "rules", "alerts_test.yml"], "");
    }
}

#[tokio::test]
async fn promtool_finds_nothing_wrong_with_the_page() {
    let shop = Shop::open().await;
    let page = shop.page().await;
    assert!(page.contains("circuit_breaker_calls_total{circuit=\"monitoring/payment\",result=\"success\"} "));
    if found("promtool") {
        promtool(&["check", "metrics"], &page);
    }
}

#[tokio::test]
async fn every_expression_of_the_dashboard_finds_data_in_a_prometheus_that_scrapes_the_shop() {
    if !found("prometheus") {
        return;
    }
    let mut shop = Shop::open().await;
    let prometheus = Prometheus::start(shop.address());
    // The first of two looks at everything is stored when the third one begins.
    shop.sell_until_scraped(4).await;
    let expressions = dashboard_expressions();
    assert!(expressions.len() > 10, "the dashboard has panels");
    for expression in expressions {
        let found = prometheus.query(&expression).await;
        assert!(found > 0, "no data for {expression}");
    }
    assert_eq!(prometheus.query("circuit_breaker_no_such_series").await, 0);
}

/// Those of `grafana.json`, its variables replaced by what they stand for.
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
