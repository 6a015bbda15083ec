//! The layer for tower in front of a route of axum, around the client of hyper, and around `reqwest::Client`, with real
//! servers on loopback.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::error_handling::HandleErrorLayer;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use breaker_runtime::integrations::tower::{BreakerLayer, Classification, ServiceError};
use breaker_runtime::integrations::tower_http::classify_status;
use breaker_runtime::{BreakerError, CircuitBreaker, Config, Outcome, State};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tower::{Service, ServiceBuilder, ServiceExt as _};

use crate::http::client;
use crate::services::{Counts, counts};

fn breaker(name: &'static str) -> CircuitBreaker {
    let settings = Config::builder().failure_threshold(2).success_threshold(1);
    CircuitBreaker::new(name, settings.build().unwrap()).unwrap()
}

async fn serve(routes: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, routes).into_future());
    address
}

/// Returns a server whose responses have the status 503 while the flag is set.
async fn serve_unless_down(is_down: &Arc<AtomicBool>) -> SocketAddr {
    let is_down = Arc::clone(is_down);
    let handler = move || async move {
        if is_down.load(Ordering::SeqCst) {
            (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "90")], "down")
        } else {
            (StatusCode::OK, [("retry-after", "0")], "up")
        }
    };
    serve(Router::new().route("/", get(handler))).await
}

/// Calls a service once it is ready.
async fn call<S: Service<R>, R>(service: &mut S, request: R) -> Result<S::Response, S::Error> {
    service.ready().await?.call(request).await
}

#[tokio::test]
async fn a_route_of_axum_behind_the_layer_rejects_with_503_and_retry_after() {
    let breaker = breaker("axum route");
    let layer = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(|error: ServiceError<Infallible>| async { BreakerError::from(error) }))
        .layer(BreakerLayer::new(&breaker).classify_http().until_body_end());
    let routes = Router::new()
        .route("/fails", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/works", get(|| async { "works" }))
        .layer(layer);
    let address = serve(routes).await;
    let client = client();
    let status = async |path| client.get(format!("http://{address}/{path}")).send().await.unwrap();

    let response = status("works").await;
    assert_eq!(response.text().await.unwrap(), "works");
    assert_eq!(status("missing").await.status(), 404);
    assert_eq!(status("fails").await.status(), 500);
    assert_eq!(status("fails").await.status(), 500);
    let rejected = status("works").await;
    assert_eq!(rejected.status(), 503);
    assert_eq!(rejected.headers().get("retry-after").unwrap(), "30");
    assert_eq!(counts(&breaker).failures, 2);
}

#[tokio::test]
async fn the_client_of_hyper_is_protected() {
    let breaker = breaker("hyper client");
    let is_down = Arc::new(AtomicBool::new(false));
    let address = serve_unless_down(&is_down).await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<&'static [u8]>>();
    let mut client = ServiceBuilder::new()
        .layer(BreakerLayer::new(&breaker).classify_http().until_body_end())
        .service(client);
    let request = || Request::get(format!("http://{address}/")).body(Empty::new()).unwrap();

    let response = call(&mut client, request()).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "up");
    assert_eq!(counts(&breaker), Counts { successes: 1, ..Counts::default() });

    is_down.store(true, Ordering::SeqCst);
    assert_eq!(call(&mut client, request()).await.unwrap().status(), 503);
    assert_eq!(call(&mut client, request()).await.unwrap().status(), 503);
    let Err(ServiceError::Breaker(rejection)) = call(&mut client, request()).await else {
        panic!("the circuit is open")
    };
    assert!(rejection.retry_after() > Some(std::time::Duration::from_secs(80)));
}

#[tokio::test]
async fn a_connection_that_is_refused_is_a_failure() {
    let breaker = breaker("refused");
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<&'static [u8]>>();
    let mut client = ServiceBuilder::new().layer(BreakerLayer::new(&breaker).classify_http()).service(client);
    for _ in 0..2 {
        let request = Request::get(format!("http://{address}/")).body(Empty::new()).unwrap();
        assert!(matches!(call(&mut client, request).await, Err(ServiceError::Inner(_))));
    }
    assert_eq!(breaker.state(), State::Open);
}

/// Accepts connections, and answers each with a body that ends before it is complete.
async fn serve_broken_bodies() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = connection.read(&mut request).await;
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf").await;
        }
    });
    address
}

#[tokio::test]
async fn a_body_of_hyper_that_breaks_opens_the_circuit() {
    let breaker = breaker("broken bodies");
    let address = serve_broken_bodies().await;
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<&'static [u8]>>();
    let mut client = ServiceBuilder::new()
        .layer(BreakerLayer::new(&breaker).classify_http().until_body_end())
        .service(client);
    for _ in 0..2 {
        let request = Request::get(format!("http://{address}/")).body(Empty::new()).unwrap();
        let response = call(&mut client, request).await.unwrap();
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.unwrap_err();
    }
    assert_eq!((breaker.state(), counts(&breaker).failures), (State::Open, 2));
}

#[tokio::test]
async fn a_client_of_reqwest_is_protected() {
    let breaker = breaker("reqwest client");
    let is_down = Arc::new(AtomicBool::new(true));
    let address = serve_unless_down(&is_down).await;
    let layer =
        BreakerLayer::new(&breaker).classify(|result: &reqwest::Result<reqwest::Response>| match result {
            Ok(response) => classify_status(response.status(), response.headers()),
            Err(error) if error.is_builder() => Outcome::Ignored.into(),
            Err(error) => Classification::failure(error.to_string()),
        });
    let client = client();
    let mut protected = ServiceBuilder::new().layer(layer).service(client.clone());
    let request = || client.get(format!("http://{address}/")).build().unwrap();
    assert_eq!(call(&mut protected, request()).await.unwrap().status(), 503);
    assert_eq!(call(&mut protected, request()).await.unwrap().status(), 503);
    let rejected = call(&mut protected, request()).await.unwrap_err();
    assert!(matches!(rejected, ServiceError::Breaker(_)));
    let reason = breaker.snapshot().last_transition.unwrap().last_failure.clone();
    assert_eq!(reason.as_deref(), Some("status 503 Service Unavailable"));
}

#[tokio::test]
async fn a_body_of_reqwest_holds_its_call() {
    let breaker = breaker("reqwest body");
    let is_down = Arc::new(AtomicBool::new(false));
    let address = serve_unless_down(&is_down).await;
    let client = client();
    let mut protected = ServiceBuilder::new()
        .layer(BreakerLayer::new(&breaker).classify_http().until_body_end())
        .map_response(http::Response::<reqwest::Body>::from)
        .service(client.clone());
    let request = client.get(format!("http://{address}/")).build().unwrap();
    let response = call(&mut protected, request).await.unwrap();
    assert_eq!(counts(&breaker), Counts::default());
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "up");
    assert_eq!(counts(&breaker), Counts { successes: 1, ..Counts::default() });
}

#[tokio::test]
async fn a_request_that_its_client_abandons_cancels_the_call_of_the_server() {
    let breaker = breaker("abandoned");
    let started = Arc::new(tokio::sync::Notify::new());
    let handler = {
        let started = Arc::clone(&started);
        move || async move {
            started.notify_one();
            std::future::pending::<&'static str>().await
        }
    };
    let layer = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(|error: ServiceError<Infallible>| async { BreakerError::from(error) }))
        .layer(BreakerLayer::new(&breaker).classify_http());
    let address = serve(Router::<()>::new().route("/", get(handler)).layer(layer)).await;
    let sending = tokio::spawn(client().get(format!("http://{address}/")).send());
    started.notified().await;
    sending.abort();
    let ignored = || counts(&breaker).ignored;
    while ignored() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(counts(&breaker), Counts { ignored: 1, ..Counts::default() });
}
