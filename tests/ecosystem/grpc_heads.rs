//! gRPC responses whose head decides about the call, or that no server for gRPC has sent, with a client of tonic. The
//! circuit counts what the client sees.

use std::convert::Infallible;

use breaker_runtime::integrations::tower::{BreakerLayer, ServiceError};
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use tonic::{Code, Status};
use tower::{Service, ServiceBuilder, service_fn};

use crate::grpc_server::{send, send_for_stream};
use crate::services::{FAILURE, Fixture, SUCCESS, settings};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The head of the response of a server.
#[derive(Clone, Copy)]
struct Head {
    http: u16,
    grpc: Option<&'static str>,
}

/// A response of HTTP status 200.
const fn ok(grpc: Option<&'static str>) -> Head {
    Head { http: 200, grpc }
}

fn empty() -> Body {
    Empty::new().boxed_unsync()
}

/// Returns a body without frames that does not know that it has ended.
fn empty_stream() -> Body {
    StreamBody::new(stream::iter(Vec::<Result<Frame<Bytes>, Infallible>>::new())).boxed_unsync()
}

fn page() -> Body {
    Full::new(Bytes::from_static(b"<html>")).boxed_unsync()
}

fn channel(
    fixture: &Fixture,
    head: Head,
    body: fn() -> Body,
) -> impl Service<
    http::Request<tonic::body::Body>,
    Response = http::Response<impl http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static>,
    Error = Status,
    Future: Send,
> + Clone {
    ServiceBuilder::new()
        .map_err(Status::from as fn(ServiceError<Infallible>) -> Status)
        .layer(BreakerLayer::new(&fixture.breaker).classify_grpc())
        .service(service_fn(move |_: http::Request<tonic::body::Body>| async move {
            let response =
                http::Response::builder().status(head.http).header("content-type", "application/grpc");
            let response = head
                .grpc
                .into_iter()
                .fold(response, |response, status| response.header("grpc-status", status));
            Ok::<_, Infallible>(response.body(body()).unwrap())
        }))
}

#[tokio::test]
async fn a_grpc_response_of_no_bytes_and_no_status_is_a_failure() {
    for body in [empty, empty_stream] {
        let fixture = Fixture::with(settings());
        let error = send(&channel(&fixture, ok(None), body), "tea").await.unwrap_err();
        assert_eq!(error.code(), Code::Unknown);
        assert_eq!(fixture.counts(), FAILURE);
    }
}

#[tokio::test]
async fn a_grpc_status_in_the_headers_decides_also_if_the_body_does_not_know_its_end() {
    for (status, code, counts) in [
        ("5", Code::NotFound, SUCCESS),
        ("14", Code::Unavailable, FAILURE),
        // No status for a client.
        ("05", Code::Unknown, FAILURE),
        ("+0", Code::Unknown, FAILURE),
    ] {
        for body in [empty, empty_stream] {
            let fixture = Fixture::with(settings());
            let error = send(&channel(&fixture, ok(Some(status)), body), "tea").await.unwrap_err();
            assert_eq!(error.code(), code);
            assert_eq!(fixture.counts(), counts, "{status}");
        }
    }
    for body in [empty, empty_stream] {
        let fixture = Fixture::with(settings());
        let mut stream = send_for_stream(&channel(&fixture, ok(Some("0")), body), "tea").await.unwrap();
        assert_eq!(stream.message().await.unwrap(), None);
        assert_eq!(fixture.counts(), SUCCESS);
    }
}

#[tokio::test]
async fn a_response_of_a_proxy_counts_as_the_code_that_its_client_derives_with_any_body() {
    for (http, code, counts) in [
        (401, Code::Unauthenticated, SUCCESS),
        (403, Code::PermissionDenied, SUCCESS),
        (404, Code::Unimplemented, SUCCESS),
        (400, Code::Internal, FAILURE),
        (429, Code::Unavailable, FAILURE),
        (503, Code::Unavailable, FAILURE),
        (418, Code::Unknown, FAILURE),
        (204, Code::Unknown, FAILURE),
    ] {
        for body in [empty, empty_stream, page] {
            let fixture = Fixture::with(settings());
            let head = Head { http, grpc: None };
            let error = send(&channel(&fixture, head, body), "tea").await.unwrap_err();
            assert_eq!(fixture.counts(), counts, "{http} {error:?}");
            // The client does not read the status if a body seems to be a message.
            if error.code() != Code::Internal {
                assert_eq!(error.code(), code, "{http}");
            }
        }
    }
}
