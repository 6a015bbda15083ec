//! The layer for tower, in front of a route of axum and around a client of reqwest.
//!
//! ```text
//! cargo run -p breaker-examples --example tower
//! ```
//!
//! A shop looks up prices in a database, which fails for a while. The layer of its route answers with 503 and
//! `Retry-After` while the circuit of the database is open. The layer of the client knows from that header how long it
//! sends no requests.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::error_handling::HandleErrorLayer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Router, serve};
use breaker_runtime::integrations::tower::{BreakerLayer, Classification, ServiceError};
use breaker_runtime::integrations::tower_http::classify_status;
use breaker_runtime::{BreakerError, CircuitBreaker, Config, Registry};
use reqwest::{Client, Response};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tower::{Service, ServiceBuilder, ServiceExt as _};

/// A database that can fail, and the number of its queries.
#[derive(Default)]
struct Database {
    is_down: AtomicBool,
    queries: AtomicU32,
}

async fn price(State(database): State<Arc<Database>>) -> Result<&'static str, StatusCode> {
    database.queries.fetch_add(1, Ordering::SeqCst);
    if database.is_down.load(Ordering::SeqCst) { Err(StatusCode::INTERNAL_SERVER_ERROR) } else { Ok("42") }
}

/// Returns the routes of the shop. Their circuit opens when the route fails.
fn shop(database: Arc<Database>, breaker: &CircuitBreaker) -> Router {
    let layer = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(|error: ServiceError<Infallible>| async { BreakerError::from(error) }))
        .layer(BreakerLayer::new(breaker).classify_http().until_body_end());
    Router::new().route("/price", get(price)).layer(layer).with_state(database)
}

/// Sends a request, and prints the response or the rejection.
async fn fetch<S>(client: &mut S, url: &str) -> Result<Option<StatusCode>>
where
    S: Service<reqwest::Request, Response = Response, Error = ServiceError<reqwest::Error>>,
{
    let request = reqwest::Request::new(reqwest::Method::GET, url.parse()?);
    match client.ready().await?.call(request).await {
        Ok(response) => {
            println!("{}", response.status());
            Ok(Some(response.status()))
        }
        Err(ServiceError::Breaker(rejection)) => {
            println!("not sent: {rejection}");
            Ok(None)
        }
        Err(ServiceError::Inner(error)) => Err(error.into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let registry = Registry::global();
    let settings = Config::builder().success_threshold(1);
    let of_shop =
        settings.clone().failure_threshold(3).recovery_timeout(Duration::from_millis(900)).build()?;
    let of_client = settings.failure_threshold(4).recovery_timeout(Duration::from_millis(1)).build()?;
    let in_shop = registry.register("database", of_shop)?;
    let in_client = registry.register("shop", of_client)?;

    let database = Arc::new(Database::default());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}/price", listener.local_addr()?);
    tokio::spawn(serve(listener, shop(Arc::clone(&database), &in_shop)).into_future());

    // reqwest's client is a service for tower. A proxy of the environment cannot reach loopback.
    let layer = BreakerLayer::new(&in_client).classify(|result: &reqwest::Result<Response>| match result {
        Ok(response) => classify_status(response.status(), response.headers()),
        Err(error) => Classification::failure(error.to_string()),
    });
    let mut client = ServiceBuilder::new().layer(layer).service(Client::builder().no_proxy().build()?);

    ensure!(fetch(&mut client, &url).await? == Some(StatusCode::OK), "expected the shop to work");

    println!("the database fails");
    database.is_down.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let status = fetch(&mut client, &url).await?;
        ensure!(status == Some(StatusCode::INTERNAL_SERVER_ERROR), "expected the error of the database");
    }
    // The circuit of the shop is open. Its response says for how long, which the circuit of the client follows.
    let status = fetch(&mut client, &url).await?;
    ensure!(status == Some(StatusCode::SERVICE_UNAVAILABLE), "expected the rejection of the shop");
    ensure!(fetch(&mut client, &url).await?.is_none(), "expected the client to send no request");
    ensure!(database.queries.load(Ordering::SeqCst) == 4, "expected no query while the circuit is open");

    println!("the database recovers");
    database.is_down.store(false, Ordering::SeqCst);
    sleep(in_client.snapshot().retry_after.context("expected the circuit of the client to be open")?).await;
    ensure!(fetch(&mut client, &url).await? == Some(StatusCode::OK), "expected the trial call to succeed");
    println!("circuits: {:?} and {:?}", in_shop.state(), in_client.state());
    Ok(())
}
