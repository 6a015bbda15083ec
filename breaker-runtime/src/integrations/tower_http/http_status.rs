//! The classifier of HTTP statuses.

use http::{HeaderMap, Response, StatusCode};

use super::super::http::{is_failure_status, retry_after};
use super::super::tower::{Classification, ResponseClassifier};
use crate::outcome::Outcome;

/// The classifier of HTTP responses by their status: 5xx and 429 are failures, and every other status is a success. A
/// failure has a reason such as "status 503 Service Unavailable", and the time of the header `Retry-After`.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::integrations::tower::ResponseClassifier;
/// use breaker_runtime::integrations::tower_http::HttpStatus;
/// use http::{HeaderMap, Response, StatusCode};
///
/// let busy = Response::builder().status(503).header("Retry-After", "60").body(())?;
/// let classification = HttpStatus.classify_response(&busy);
/// assert_eq!(classification.reason(), Some("status 503 Service Unavailable"));
/// assert_eq!(classification.retry_after(), Some(Duration::from_secs(60)));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpStatus;

/// Classifies a response by its status and its headers like [`HttpStatus`], for responses of other types.
///
/// `reqwest::Client` is a service for tower whose response is `reqwest::Response`:
///
/// ```text
/// let layer = BreakerLayer::new(&breaker).classify(|result: &reqwest::Result<reqwest::Response>| match result {
///     Ok(response) => classify_status(response.status(), response.headers()),
///     Err(error) => Classification::failure(error.to_string()),
/// });
/// let client = ServiceBuilder::new().layer(layer).service(reqwest::Client::new());
/// ```
///
/// ```
/// use breaker_runtime::Outcome;
/// use breaker_runtime::integrations::tower_http::classify_status;
/// use http::{HeaderMap, StatusCode};
///
/// let classification = classify_status(StatusCode::NOT_FOUND, &HeaderMap::new());
/// assert_eq!(classification.outcome(), Outcome::Success);
/// ```
#[must_use]
pub fn classify_status(status: StatusCode, headers: &HeaderMap) -> Classification {
    if !is_failure_status(status) {
        return Outcome::Success.into();
    }
    failure_of_status(status, headers)
}

/// Returns the failure with this status, and the time of the header `Retry-After`.
pub(super) fn failure_of_status(status: StatusCode, headers: &HeaderMap) -> Classification {
    Classification::failure(format!("status {status}")).with_retry_after(retry_after(headers))
}

impl<B> ResponseClassifier<Response<B>> for HttpStatus {
    fn classify_response(&self, response: &Response<B>) -> Classification {
        classify_status(response.status(), response.headers())
    }
}
