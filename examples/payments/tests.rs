//! Tests against the running service. It answers in tasks that its server spawns, and queries the ledger in
//! `spawn_blocking`. So each test has a scope for the whole process, with a registry of its own and a clock that stands
//! still.

#![expect(clippy::unwrap_used, reason = "a test that lacks something has failed")]

use std::time::Duration;

use breaker_runtime::{Registry, State, testing};
use reqwest::{Response, Url};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::fault::Fault;
use crate::ledger::{Ledger, Status};
use crate::providers::Providers;
use crate::sandbox;
use crate::service::Service;

const READ_TOKEN: &str = "for tests";

#[tokio::test]
async fn declined_payments_do_not_open_the_circuit() {
    testing::process_scope_async(async |_| {
        let client = TestClient::start().await;
        for _ in 0..10 {
            assert_eq!(client.pay("acme", 402).await, (402, "declined".to_owned()));
        }
        testing::assert_state(("provider", "acme"), State::Closed);
        let totals = Registry::global().get_keyed("provider").unwrap().totals();
        assert_eq!((totals.successes, totals.failures), (10, 0)); // the provider has answered
    })
    .await;
}

#[tokio::test]
async fn the_backup_answers_only_for_the_merchant_whose_payments_fail() {
    testing::process_scope_async(async |scope| {
        let client = TestClient::start().await;
        for _ in 0..3 {
            assert_eq!(client.pay("acme", 503).await.0, 502);
        }
        testing::assert_state(("provider", "acme"), State::Open);
        assert!(
            client.pay("acme", 100).await.1.ends_with("100 cents for acme reserved at the backup provider")
        );
        assert!(
            client
                .pay("umbrella", 100)
                .await
                .1
                .ends_with("100 cents for umbrella reserved at the primary provider")
        );

        scope.advance(Duration::from_secs(30));
        assert!(
            client.pay("acme", 100).await.1.ends_with("100 cents for acme reserved at the primary provider")
        );
    })
    .await;
}

#[tokio::test]
async fn the_name_of_a_merchant_changes_no_other_part_of_the_url_of_the_provider() {
    testing::process_scope_async(async |_| {
        let client = TestClient::start().await;
        for merchant in ["a/reservations?", "a/../b", "a?b", "#", "a%2Fb", "a b", "%", "ü"] {
            let (status, text) = client.pay(merchant, 100).await;
            let receipt = format!("100 cents for {merchant} reserved at the primary provider");
            assert!(status == 200 && text.ends_with(&receipt), "{merchant}: {status} {text}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_payment_is_rejected_if_both_circuits_are_open() {
    testing::process_scope_async(async |_| {
        let client = TestClient::start().await;
        testing::trip(("provider", "acme"));
        Registry::global().get("backup provider").unwrap().force_open(); // as `--without-backup` does
        assert_eq!(client.pay("acme", 100).await.0, 503);
    })
    .await;
}

// This test starts its only thread itself, so it can pass an ordinary scope on.
#[tokio::test]
async fn the_twenty_methods_of_the_ledger_share_one_circuit() {
    testing::scope_async(async |scope| {
        let results = spawn_blocking(move || {
            scope.enter(|| {
                let ledger = Ledger::default();
                let healthy = use_all_methods(&ledger);
                testing::trip("ledger");
                [healthy, use_all_methods(&ledger)]
            })
        });
        let [healthy, rejected] = results.await.unwrap();
        assert!(healthy.iter().all(Result::is_ok));
        assert!(rejected.iter().all(|result| matches!(result, Err(Fault::Breaker(_)))));
        let totals = Registry::global().get("ledger").unwrap().snapshot().totals;
        assert_eq!((totals.successes, totals.rejected), (20, 20));
        assert_eq!(Registry::global().check(), Ok(()));
    })
    .await;
}

#[tokio::test]
async fn the_health_is_public_and_the_circuits_need_the_token() {
    testing::process_scope_async(async |_| {
        let client = TestClient::start().await;
        assert!(client.get("/health/circuits", "").await.text().await.unwrap().contains(r#""healthy""#));
        testing::trip("ledger");
        assert_eq!(client.get("/payments/1", "").await.status(), 503);
        assert!(client.get("/health/circuits", "").await.text().await.unwrap().contains(r#""degraded""#));
        assert_eq!(client.get("/breakers/circuits", "").await.status(), 401);
        assert_eq!(client.get("/breakers/circuits", READ_TOKEN).await.status(), 200);
    })
    .await;
}

#[tokio::test]
async fn an_open_dashboard_does_not_delay_the_shutdown() {
    testing::process_scope_async(async |_| {
        let client = TestClient::start().await;
        let mut stream = client.get("/breakers/circuits/stream", READ_TOKEN).await;
        assert!(stream.chunk().await.unwrap().is_some());
        timeout(Duration::from_secs(2), client.service.stop()).await.unwrap().unwrap();
        assert!(stream.text().await.unwrap().ends_with("event: shutdown\ndata: {}\n\n"));
    })
    .await;
}

/// A running service, and a client of it.
struct TestClient {
    service: Service,
    http: reqwest::Client,
}

impl TestClient {
    async fn start() -> Self {
        let [primary, backup] = [sandbox::start("primary"), sandbox::start("backup")];
        let providers = Providers::new(primary.await.unwrap(), backup.await.unwrap()).unwrap();
        let service = Service::start(providers, READ_TOKEN).await.unwrap();
        Self { service, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// Makes a payment, and returns the status and the text of the response.
    async fn pay(&self, merchant: &str, cents: u64) -> (u16, String) {
        let mut url: Url = self.url("").parse().unwrap();
        url.path_segments_mut().unwrap().extend(["merchants", merchant, "payments", &cents.to_string()]);
        let response = self.http.post(url).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn get(&self, path: &str, token: &str) -> Response {
        self.http.get(self.url(path)).bearer_auth(token).send().await.unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.service.address)
    }
}

fn use_all_methods(ledger: &Ledger) -> [Result<(), Fault>; 20] {
    [
        ledger.insert("acme", 100).map(drop),
        ledger.reserve(1).map(drop),
        ledger.collect(1).map(drop),
        ledger.refund(1).map(drop),
        ledger.cancel(1).map(drop),
        ledger.rename_merchant("acme", "umbrella"),
        ledger.find(1).map(drop),
        ledger.status(1).map(drop),
        ledger.contains(1).map(drop),
        ledger.count().map(drop),
        ledger.first().map(drop),
        ledger.last().map(drop),
        ledger.largest().map(drop),
        ledger.merchants().map(drop),
        ledger.of_merchant("umbrella").map(drop),
        ledger.with_status(Status::Refunded).map(drop),
        ledger.total().map(drop),
        ledger.total_of("umbrella").map(drop),
        ledger.delete(1).map(drop),
        ledger.delete_merchant("umbrella"),
    ]
}
