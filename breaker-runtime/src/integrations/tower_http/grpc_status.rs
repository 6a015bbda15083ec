//! The classifier of gRPC statuses, which are in the headers or in the trailers of a response.
//!
//! A response that no server for gRPC has sent is classified by its HTTP status, as clients do.

use http::{HeaderMap, Response, StatusCode};

use super::super::grpc::{OK, PUSHBACK, outcome_of_number, pushback};
use super::super::tower::{Classification, ResponseClassifier};
use super::http_status::failure_of_status;
use crate::outcome::Outcome;

/// The header or trailer with the status of a call.
const GRPC_STATUS: &str = "grpc-status";

/// The classifier of gRPC responses by their status: UNAVAILABLE, `DEADLINE_EXCEEDED`, `RESOURCE_EXHAUSTED`, INTERNAL,
/// UNKNOWN, ABORTED and `DATA_LOSS` are failures, CANCELLED is ignored, and every other status is a success.
///
/// It reads the head of a response. A status in the headers decides, also if a body follows. Without one, HTTP status
/// 200 is a success, until the trailers have arrived; see
/// [`classify_grpc`](crate::integrations::tower::BreakerLayer::classify_grpc). Every other HTTP status comes from a
/// proxy, and decides as the gRPC protocol maps it: 401, 403 and 404 are successes (UNAUTHENTICATED,
/// `PERMISSION_DENIED`, UNIMPLEMENTED), and all others are failures with the time of `Retry-After`. A failure has the
/// time of the metadata `grpc-retry-pushback-ms`.
///
/// ```
/// use breaker_runtime::integrations::tower::ResponseClassifier;
/// use breaker_runtime::integrations::tower_http::GrpcStatus;
/// use http::Response;
///
/// let response = Response::builder().header("grpc-status", "14").body(())?;
/// assert_eq!(GrpcStatus.classify_response(&response).reason(), Some("gRPC status 14"));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcStatus;

impl<B> ResponseClassifier<Response<B>> for GrpcStatus {
    fn classify_response(&self, response: &Response<B>) -> Classification {
        match classify_headers(response.headers()) {
            Some(classification) => classification,
            None => classify_http(response.status(), response.headers()),
        }
    }
}

/// Returns `true` if the head of a response decides about a call: it contains a gRPC status, or an HTTP status that no
/// server for gRPC sends.
pub(super) fn is_decided_by_head<B>(response: &Response<B>) -> bool {
    response.status() != StatusCode::OK || response.headers().contains_key(GRPC_STATUS)
}

/// Classifies a response without a gRPC status by the code that clients derive from its HTTP status.
fn classify_http(status: StatusCode, headers: &HeaderMap) -> Classification {
    match status {
        StatusCode::OK | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
            Outcome::Success.into()
        }
        _ => failure_of_status(status, headers),
    }
}

/// Returns the number of a status. Clients accept no sign and no leading zero.
fn status_number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|code: &u16| code.to_string() == text)
}

/// Classifies a response by the status in its headers or trailers, if they contain one. A value that is no status is a
/// failure, as it is for clients.
pub(super) fn classify_headers(headers: &HeaderMap) -> Option<Classification> {
    let value = headers.get(GRPC_STATUS)?;
    let Some(code) = value.to_str().ok().and_then(status_number) else {
        return Some(Classification::failure("invalid gRPC status"));
    };
    let outcome = if code == OK { Outcome::Success } else { outcome_of_number(code) };
    Some(match outcome {
        Outcome::Success | Outcome::Ignored => outcome.into(),
        Outcome::Failure => {
            let wait = headers.get(PUSHBACK).and_then(|value| value.to_str().ok()).and_then(pushback);
            Classification::failure(format!("gRPC status {code}")).with_retry_after(wait)
        }
    })
}
