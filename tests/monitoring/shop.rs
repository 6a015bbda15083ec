//! A service with annotated functions of every sort, and its page for Prometheus over real HTTP.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use breaker_runtime::{BreakerError, Registry, circuit_breaker, integrations::prometheus};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

pub(crate) struct Shop {
    address: SocketAddr,
    scrapes: UnboundedReceiver<()>,
}

#[circuit_breaker(
    name = "monitoring/payment",
    window = "60s",
    failure_rate = 0.9,
    slow_call = "1s",
    durations = true,
    max_concurrent = 10
)]
fn pay(sale: u64) -> Result<u64, BreakerError> {
    Ok(sale)
}

#[circuit_breaker(name = "monitoring/search", failure_threshold = 1, fallback = |_| None)]
fn search(sale: u64) -> Option<u64> {
    (sale != 3).then_some(sale)
}

impl Shop {
    pub(crate) async fn open() -> Self {
        let (tell, scrapes) = unbounded_channel();
        let page = move || async move {
            // Nobody waits for it in a test that only reads the page.
            _ = tell.send(());
            prometheus::page(&Registry::global())
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = Router::new().route("/metrics", get(page));
        tokio::spawn(async move { axum::serve(listener, service).await });
        pay(0).unwrap();
        search(0).unwrap();
        Self { address, scrapes }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn page(&self) -> String {
        reqwest::get(format!("http://{}/metrics", self.address)).await.unwrap().text().await.unwrap()
    }

    /// Sells something before each scrape.
    pub(crate) async fn sell_until_scraped(&mut self, times: u64) {
        for sale in 1..=times {
            pay(sale).unwrap();
            search(sale);
            self.scrapes.recv().await.expect("the page is still there");
        }
    }
}
