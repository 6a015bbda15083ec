//! Rate limit, circuit breaker, timeout, retries with a budget, and fallback, in the right order, with a real HTTP
//! server.
//!
//! ```text
//! cargo run -p breaker-examples --example composition
//! ```
//!
//! The page `docs::composition` of `breaker-runtime` explains the order, and shows what each wrong one costs.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use backon::{ExponentialBuilder, Retryable};
use breaker_runtime::integrations::http::is_failure_status;
use breaker_runtime::{BreakerError, CircuitBreaker, ErrorKind, Registry, RetryBudget, circuit_breaker};
use governor::{DefaultDirectRateLimiter, Quota};

const CALLS: u32 = 300;
/// The longest time that a rejected call waits for its circuit.
const PATIENCE: Duration = Duration::from_millis(200);

#[derive(Debug, thiserror::Error)]
enum PriceError {
    #[error("the shop failed")]
    Shop(#[from] reqwest::Error),
    #[error("the shop was not called")]
    Breaker(#[from] BreakerError),
}

/// The breaker, and inside it the timeout of each attempt.
#[circuit_breaker(
    name = "shop",
    call_timeout = "1s",
    failure_if(Err(PriceError::Shop(error)) if error.status().is_none_or(is_failure_status)), // 4xx is an answer
)]
async fn fetch(http: &reqwest::Client, url: &str) -> Result<u64, PriceError> {
    let text = http.get(url).send().await?.error_for_status()?.text().await?;
    Ok(text.parse().unwrap_or(0))
}

/// A client of the shop.
struct Client {
    http: reqwest::Client,
    url: String,
    limiter: DefaultDirectRateLimiter,
    breaker: CircuitBreaker,
    /// Without one, every failed attempt is retried.
    budget: Option<RetryBudget>,
}

impl Client {
    /// Makes one attempt. If the circuit would reject the call, it does not start to wait for the rate limit.
    async fn attempt(&self) -> Result<u64, PriceError> {
        if self.breaker.would_admit() {
            self.limiter.until_ready().await;
        }
        fetch(&self.http, &self.url).await
    }

    /// Makes up to three attempts. The caller applies the fallback.
    async fn price(&self) -> Result<u64, PriceError> {
        let backoff = ExponentialBuilder::new().with_min_delay(Duration::from_millis(1)).with_max_times(2);
        (|| self.attempt()).retry(backoff).adjust(|error, pause| self.next_pause(error, pause)).await
    }

    /// Returns the time to wait before a retry, or `None` if there must be none.
    fn next_pause(&self, error: &PriceError, pause: Option<Duration>) -> Option<Duration> {
        let pause = pause?; // no attempts are left
        match error {
            // The circuit has rejected the call, and says when it admits calls again.
            PriceError::Breaker(rejection) if rejection.kind() != ErrorKind::TimedOut => {
                rejection.retry_after().filter(|wait| *wait <= PATIENCE).map(|wait| wait.max(pause))
            }
            // The call has reached the shop, so a retry is additional load.
            PriceError::Breaker(_) | PriceError::Shop(_) => {
                self.budget.as_ref().is_none_or(RetryBudget::try_retry).then_some(pause)
            }
        }
    }
}

/// An HTTP server that fails four of ten requests, or all of them while it is down.
#[derive(Clone, Default)]
struct Shop {
    requests: Arc<AtomicU32>,
    is_down: Arc<AtomicBool>,
}

impl Shop {
    /// Starts the server, and returns the URL of a price.
    async fn serve(&self) -> Result<String> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/price", listener.local_addr()?);
        let shop = self.clone();
        let router = Router::new().route("/price", get(async move || shop.answer()));
        tokio::spawn(axum::serve(listener, router).into_future());
        Ok(url)
    }

    fn answer(&self) -> (StatusCode, &'static str) {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        if self.is_down.load(Ordering::Relaxed) || number * 7 % 10 < 4 {
            return (StatusCode::SERVICE_UNAVAILABLE, "try later");
        }
        (StatusCode::OK, "42")
    }
}

/// Makes the calls of one phase, and returns the number of requests that reached the shop.
async fn run(phase: &str, client: &Client, shop: &Shop) -> u32 {
    let before = shop.requests.load(Ordering::Relaxed);
    let mut prices = 0;
    for _ in 0..CALLS {
        // Here is the fallback, around the retries: the last known price, for example.
        prices += u32::from(client.price().await.is_ok());
    }
    let requests = shop.requests.load(Ordering::Relaxed) - before;
    println!(
        "{phase:<28} {CALLS} calls, {requests:>3} requests, {prices:>3} prices, {:>3} fallbacks",
        CALLS - prices
    );
    requests
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let shop = Shop::default();
    let breaker = Registry::global().get("shop").context("expected the breaker of `fetch`")?;
    let quota = Quota::per_second(NonZeroU32::new(5_000).context("expected a rate above zero")?);
    let limiter = DefaultDirectRateLimiter::direct(quota);
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mut client = Client { http, url: shop.serve().await?, limiter, breaker, budget: None };

    let without_budget = run("four of ten fail, no budget", &client, &shop).await;
    client.budget = Some(client.breaker.budget());
    let with_budget = run("four of ten fail, budget", &client, &shop).await;
    ensure!(
        with_budget < CALLS * 12 / 10 && with_budget < without_budget,
        "expected the budget to limit the retries"
    );

    shop.is_down.store(true, Ordering::Relaxed);
    let requests = run("the shop is down", &client, &shop).await;
    ensure!(requests <= 10, "expected the circuit to open after five failures");
    Ok(())
}
