//! Circuits of gRPC calls, with a real client and server of tonic: a channel that the layer for tower protects, a server
//! behind the layer, and an annotated function.

use std::net::SocketAddr;
use std::time::Duration;

use breaker_runtime::integrations::tonic::{is_failure, is_ignored, retry_after};
use breaker_runtime::integrations::tower::{
    BreakerLayer, BreakerService, OneCircuit, ServiceError, TypedErrors,
};
use breaker_runtime::integrations::tower_http::{GrpcStatus, UntilBodyEnd};
use breaker_runtime::{CircuitBreaker, Config, ErrorKind, Registry, State, circuit_breaker};
use tokio::net::TcpListener;
use tonic::transport::{self, Channel, Endpoint};
use tonic::{Code, Status};
use tower::ServiceBuilder;
use tower::layer::util::Identity;
use tower::util::MapErr;

use crate::grpc_server::{send, send_for_stream, serve};
use crate::services::{Counts, counts};

fn breaker(name: &'static str) -> CircuitBreaker {
    let settings = Config::builder().failure_threshold(2).success_threshold(1);
    CircuitBreaker::new(name, settings.build().unwrap()).unwrap()
}

fn connect(address: SocketAddr) -> Channel {
    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy()
}

/// A channel that a breaker protects.
type Protected = MapErr<
    BreakerService<Channel, OneCircuit, UntilBodyEnd<TypedErrors<GrpcStatus>>>,
    fn(ServiceError<transport::Error>) -> Status,
>;

fn protected(address: SocketAddr, breaker: &CircuitBreaker) -> Protected {
    ServiceBuilder::new()
        .map_err(Status::from as fn(_) -> _)
        .layer(BreakerLayer::new(breaker).classify_grpc())
        .service(connect(address))
}

#[tokio::test]
async fn the_status_of_a_call_decides() {
    let breaker = breaker("grpc channel");
    let channel = protected(serve(Identity::new()).await, &breaker);
    assert_eq!(send(&channel, "tea").await.unwrap(), "TEA");
    assert_eq!(send(&channel, "missing").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(counts(&breaker), Counts { successes: 2, ..Counts::default() });

    send(&channel, "down").await.unwrap_err();
    assert_eq!(send(&channel, "down").await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(breaker.state(), State::Open);
    assert!(breaker.snapshot().retry_after > Some(Duration::from_secs(80)));
    let rejected = send(&channel, "tea").await.unwrap_err();
    assert_eq!(rejected.code(), Code::Unavailable);
    assert!(retry_after(&rejected) > Some(Duration::from_secs(80)), "{rejected:?}");
    assert_eq!(breaker.snapshot().totals.rejections.open, 1);
}

#[tokio::test]
async fn a_stream_that_ends_with_an_error_is_a_failure() {
    let breaker = breaker("grpc stream");
    let channel = protected(serve(Identity::new()).await, &breaker);
    let mut stream = send_for_stream(&channel, "down").await.unwrap();
    assert_eq!(stream.message().await.unwrap().as_deref(), Some("first"));
    assert_eq!(counts(&breaker), Counts::default());
    assert_eq!(stream.message().await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(counts(&breaker), Counts { failures: 1, ..Counts::default() });

    let mut stream = send_for_stream(&channel, "tea").await.unwrap();
    while stream.message().await.unwrap().is_some() {}
    assert_eq!(counts(&breaker), Counts { failures: 1, successes: 1, ignored: 0 });
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_opens_the_circuit() {
    let breaker = breaker("grpc refused");
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let channel = protected(address, &breaker);
    send(&channel, "tea").await.unwrap_err();
    send(&channel, "tea").await.unwrap_err();
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test]
async fn a_server_behind_the_layer_rejects_with_unavailable() {
    let breaker = breaker("grpc server");
    let layer = ServiceBuilder::new()
        .map_err(Status::from)
        .layer(BreakerLayer::new(&breaker).classify_grpc())
        .into_inner();
    let channel = connect(serve(layer).await);
    assert_eq!(send(&channel, "tea").await.unwrap(), "TEA");
    send(&channel, "down").await.unwrap_err();
    send(&channel, "down").await.unwrap_err();
    let rejected = send(&channel, "tea").await.unwrap_err();
    assert_eq!(rejected.code(), Code::Unavailable);
    assert_eq!(rejected.message(), "the service is temporarily unavailable; try again later");
    assert!(retry_after(&rejected) > Some(Duration::from_secs(20)), "{rejected:?}");
}

#[circuit_breaker(
    name = "grpc function",
    failure_threshold = 2,
    failure_if(Err(status) if is_failure(status)),
    ignore_if(Err(status) if is_ignored(status)),
    retry_after = |result| retry_after(result.as_ref().err()?),
)]
async fn fetch(channel: &Channel, message: &str) -> Result<String, Status> {
    send(channel, message).await
}

#[tokio::test]
async fn a_call_that_exceeds_the_limit_of_its_channel_is_a_failure() {
    let address = serve(Identity::new()).await;
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    let status = send(&endpoint.timeout(Duration::from_millis(1)).connect_lazy(), "hang").await.unwrap_err();
    assert_eq!(status.code(), Code::Cancelled);
    assert!(is_failure(&status) && !is_ignored(&status), "{status:?}");
}

#[tokio::test]
async fn an_annotated_function_classifies_the_status_in_one_line() {
    let channel = connect(serve(Identity::new()).await);
    assert_eq!(fetch(&channel, "tea").await.unwrap(), "TEA");
    for _ in 0..3 {
        assert_eq!(fetch(&channel, "missing").await.unwrap_err().code(), Code::NotFound);
    }
    assert_eq!(fetch(&channel, "cancelled").await.unwrap_err().code(), Code::Cancelled);
    let breaker = Registry::global().get("grpc function").unwrap();
    assert_eq!(counts(&breaker), Counts { successes: 4, ignored: 1, ..Counts::default() });
    fetch(&channel, "down").await.unwrap_err();
    fetch(&channel, "down").await.unwrap_err();
    let rejected = fetch(&channel, "tea").await.unwrap_err();
    assert_eq!(ErrorKind::find_in(&rejected), Some(ErrorKind::Open));
    assert!(retry_after(&rejected) > Some(Duration::from_secs(80)), "{rejected:?}");
}

/// An error with an endless chain of sources.
#[derive(Debug)]
struct Endless;

impl std::fmt::Display for Endless {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("endless")
    }
}

impl std::error::Error for Endless {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&Self)
    }
}

/// An error whose source panics.
#[derive(Debug)]
struct Panics;

impl std::fmt::Display for Panics {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("panics")
    }
}

impl std::error::Error for Panics {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        panic!("the source panics")
    }
}

#[test]
fn sources_of_a_status_without_an_end_or_that_panic_do_not_disturb_its_classification() {
    let sources: [std::sync::Arc<dyn std::error::Error + Send + Sync>; 2] =
        [std::sync::Arc::new(Endless), std::sync::Arc::new(Panics)];
    for source in sources {
        let mut status = Status::unavailable("no connection");
        status.set_source(source);
        assert!(is_failure(&status) && !is_ignored(&status));
    }
}
