//! The response for a call that a breaker rejected or timed out. It contains neither the key, which may be a tenant or
//! a host, nor the text of a failure, because these are internal data.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::response::{encode, json};
use crate::error::{BreakerError, ErrorKind};

#[derive(Serialize)]
struct Body<'a> {
    error: &'static str,
    circuit: &'a str,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

/// Responds with status 503, or 504 for a timeout, and a JSON body that names the circuit; see
/// [`integrations::axum`](crate::integrations::axum#rejected-calls-in-handlers).
///
/// ```
/// use std::time::Duration;
/// use axum::response::IntoResponse as _;
/// use breaker_runtime::{BreakerError, ErrorKind};
///
/// let error = BreakerError::new("payment", ErrorKind::Open).with_retry_after(Duration::from_secs(27));
/// let response = error.into_response();
/// assert_eq!(response.status(), 503);
/// assert_eq!(response.headers()["retry-after"], "27");
/// ```
impl IntoResponse for BreakerError {
    fn into_response(self) -> Response {
        let (status, error) = match self.kind() {
            ErrorKind::Open
            | ErrorKind::HalfOpen
            | ErrorKind::Ramping
            | ErrorKind::ForcedOpen
            | ErrorKind::BulkheadFull
            | ErrorKind::Injected => {
                (StatusCode::SERVICE_UNAVAILABLE, "the service is temporarily unavailable; try again later")
            }
            ErrorKind::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "the service did not respond in time"),
        };
        let retry_after = self.retry_after().map(whole_seconds);
        let body = Body { error, circuit: self.name(), kind: self.kind().label(), retry_after };
        let response = json(status, encode(&body));
        match retry_after {
            Some(seconds) => ([(RETRY_AFTER, seconds)], response).into_response(),
            None => response,
        }
    }
}

/// Returns the seconds, rounded up.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
}
