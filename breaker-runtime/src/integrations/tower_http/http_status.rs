//! The classifier of HTTP statuses.

use http::Response;

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
/// use http::Response;
///
/// let busy = Response::builder().status(503).header("Retry-After", "60").body(())?;
/// let classification = HttpStatus.classify_response(&busy);
/// assert_eq!(classification.reason(), Some("status 503 Service Unavailable"));
/// assert_eq!(classification.retry_after(), Some(Duration::from_secs(60)));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpStatus;

impl<B> ResponseClassifier<Response<B>> for HttpStatus {
    fn classify_response(&self, response: &Response<B>) -> Classification {
        let status = response.status();
        if !is_failure_status(status) {
            return Outcome::Success.into();
        }
        Classification::failure(format!("status {status}")).with_retry_after(retry_after(response.headers()))
    }
}
