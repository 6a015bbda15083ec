//! Tests against the running service. The service answers in tasks that its server spawns, and queries the ledger in
//! `spawn_blocking`, so each test has a scope for the whole process: a registry of its own, and a clock that stands
//! still.

#![expect(clippy::unwrap_used, reason = "a test that lacks something has failed")]

use std::thread;
use std::time::Duration;

use breaker_runtime::testing::{self, Scope};
use breaker_runtime::{Registry, State};
use reqwest::Client;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::ledger::{Ledger, Status};
use super::providers::Providers;
use super::service::Service;
use super::sandbox;

const READ_TOKEN: &str = "read";

/// A service with a client.
struct Client {
    service: Service,
    http: reqwest::Client,
}

#[tokio::test]
async fn a_declined_payment_is_no_failure() {
    testing::process_scope_async(async |_| {
        let client = Client::new().await;
        for _ in 0..10 {
            assert_eq!(client.pay("acme", 402).await, (402, "declined".to_owned()));
        }
        testing::assert_state(("provider", "acme"), State::Closed);
    })
    .await;
}

#[tokio::test]
async fn the_backup_serves_only_the_merchant_whose_payments_fail() {
    testing::process_scope_async(async |scope: Scope| {
        let client = Client::new().await;
        for _ in 0..3 {
            assert_eq!(client.pay("acme", 503).await.0, 502);
        }
        testing::assert_state(("provider", "acme"), State::Open);
        assert_eq!(client.pay("acme", 100).await.1, "payment 4: 100 cents reserved at the backup provider");
        assert_eq!(client.pay("umbrella", 100).await.1, "payment 5: 100 cents reserved at the primary provider");

        scope.advance(Duration::from_secs(30));
        assert_eq!(client.pay("acme", 100).await.1, "payment 6: 100 cents reserved at the primary provider");
    })
    .await;
}

#[tokio::test]
async fn without_both_providers_a_payment_is_rejected() {
    testing::process_scope_async(async |_| {
        let client = Client::new().await;
        testing::trip(("provider", "acme"));
        Registry::global().get("backup provider").unwrap().force_open(); // as `--without-backup` does
        assert_eq!(client.pay("acme", 100).await.0, 503);
    })
    .await;
}

#[tokio::test]
async fn all_methods_of_the_ledger_share_one_circuit() {
    testing::process_scope_async(async |_| {
        let client = Client::new().await;
        testing::trip("ledger");
        let results = spawn_blocking(use_all_methods).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn health_is_public_and_the_circuits_need_the_token() {
    testing::process_scope_async(async |_| {
        let client = Client::new().await;
        assert!(client.get("/health/circuits", "").await.1.contains("\"healthy\""));
        testing::trip("ledger");
        assert_eq!(client.get("/payments/1", "").await.0, 503);
        assert!(client.get("/health/circuits", "").await.1.contains("\"degraded\""));
        assert_eq!(client.get("/breakers/circuits", "").await.0, 401);
        assert_eq!(client.get("/breakers/circuits", READ_TOKEN).await.0, 200);
    })
    .await;
}

#[tokio::test]
async fn an_open_dashboard_does_not_delay_the_shutdown() {
    testing::process_scope_async(async |_| {
        let client = Client::new().await;
        let mut stream = client.open("/breakers/circuits/stream", READ_TOKEN).await;
        assert!(stream.chunk().await.unwrap().is_some());
        timeout(Duration::from_secs(2), client.service.stop()).await.unwrap().unwrap();
        while stream.chunk().await.unwrap().is_some() {}
    })
    .await;
}
