//! HTTP in and out: a shop fetches exchange rates with reqwest, and responds with 503 while it cannot.
//!
//! ```text
//! cargo run -p breaker-examples --example http_client
//! ```
//!
//! Of the responses of the rate service, 404 is a success, 500 is a failure, and 429 keeps the circuit open for as long
//! as its `Retry-After` says. The shop, an axum server, returns a rejection as 503 with `Retry-After`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Router, serve};
use breaker_runtime::integrations::http::{is_failure_status, retry_after};
use breaker_runtime::{BreakerError, Registry, circuit_breaker};
use reqwest::{Client, Response};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::time::sleep;

/// The `Retry-After` of the rate service, in seconds.
const BUSY_SECONDS: u64 = 1;

/// The time for which the circuit stays open after other failures.
const RECOVERY: Duration = Duration::from_millis(100);

#[derive(Debug, Error)]
enum RateError {
    #[error("the rate service cannot be reached: {0}")]
    Connection(#[from] reqwest::Error),
    #[error(transparent)]
    Breaker(#[from] BreakerError),
}

#[circuit_breaker(
    name = "rates",
    failure_threshold = 3,
    recovery_timeout = RECOVERY,
    success_threshold = 1,
    failure_if = |result| result.as_ref().map_or(true, |response| is_failure_status(response.status())),
    retry_after = |result| retry_after(result.as_ref().ok()?.headers())
)]
async fn fetch(client: &Client, url: String) -> Result<Response, RateError> {
    Ok(client.get(url).send().await?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // A proxy of the environment cannot reach loopback.
    let client = Client::builder().no_proxy().build()?;
    let rates = listen(rate_service()).await?;
    let shop = listen(shop(Rates { client: client.clone(), url: rates })).await?;
    let buy = async |currency: &str| client.get(format!("{shop}/price/{currency}")).send().await;

    for _ in 0..5 {
        report("unknown currency", buy("unknown").await?).await?;
    }
    ensure!(open_time()?.is_none(), "expected responses with status 404 not to open the circuit");

    for _ in 0..3 {
        report("service is down", buy("down").await?).await?;
    }
    let wait = open_time()?.context("expected three responses with status 500 to open the circuit")?;
    ensure!(wait <= RECOVERY, "expected the circuit to be open for recovery_timeout");
    sleep(wait).await;
    report("trial call", buy("EUR").await?).await?;
    ensure!(open_time()?.is_none(), "expected a successful trial call to close the circuit");

    for _ in 0..3 {
        report("service is busy", buy("busy").await?).await?;
    }
    let wait = open_time()?.context("expected three responses with status 429 to open the circuit")?;
    ensure!(wait > RECOVERY, "expected the circuit to be open for as long as Retry-After says");
    let rejected = buy("EUR").await?;
    ensure!(rejected.status() == 503, "expected the shop to respond with status 503");
    ensure!(retry_after(rejected.headers()).is_some(), "expected the shop to say when to call again");
    report("rejected", rejected).await?;
    sleep(wait).await;
    report("trial call", buy("EUR").await?).await
}

/// Returns how long the circuit stays open, or `None` if it is closed.
fn open_time() -> Result<Option<Duration>> {
    let breaker = Registry::global().get("rates").context("expected the breaker `rates` to be declared")?;
    Ok(breaker.snapshot().retry_after)
}

/// Prints the response of the shop.
async fn report(call: &str, response: Response) -> Result<()> {
    let (status, wait) = (response.status().as_u16(), retry_after(response.headers()));
    let wait = wait.map(|wait| format!("Retry-After: {wait:?}")).unwrap_or_default();
    println!("{call:<17} {status} {wait:<16} {}", response.text().await?);
    Ok(())
}

/// The rate service, and the client of the shop for it.
#[derive(Clone)]
struct Rates {
    client: Client,
    url: String,
}

fn shop(rates: Rates) -> Router {
    Router::new().route("/price/{currency}", get(price)).with_state(rates)
}

/// Returns the error of the breaker as it is: it becomes a response with status 503.
async fn price(
    State(rates): State<Rates>,
    Path(currency): Path<String>,
) -> Result<(StatusCode, String), BreakerError> {
    match fetch(&rates.client, format!("{}/{currency}", rates.url)).await {
        Ok(response) => Ok((response.status(), response.text().await.unwrap_or_default())),
        Err(RateError::Connection(error)) => Ok((StatusCode::BAD_GATEWAY, error.to_string())),
        Err(RateError::Breaker(error)) => Err(error),
    }
}

fn rate_service() -> Router {
    let busy = || async { (StatusCode::TOO_MANY_REQUESTS, [("Retry-After", BUSY_SECONDS)]).into_response() };
    Router::new()
        .route("/EUR", get(|| async { "1.08" }))
        .route("/down", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/busy", get(busy))
}

/// Serves the routes on a free port, and returns the URL.
async fn listen(routes: Router) -> Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async { serve(listener, routes).await });
    Ok(url)
}
