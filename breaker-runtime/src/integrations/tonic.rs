//! Outcomes of gRPC calls of tonic, and statuses for rejected calls.
//!
//! ```
//! use breaker_runtime::integrations::tonic::{is_failure, is_ignored, retry_after};
//! use breaker_runtime::{Registry, circuit_breaker};
//! use tonic::{Code, Status};
//!
//! #[circuit_breaker(
//!     name = "stock",
//!     failure_threshold = 2,
//!     failure_if(Err(status) if is_failure(status)),
//!     ignore_if(Err(status) if is_ignored(status)),
//!     retry_after = |result| retry_after(result.as_ref().err()?),
//! )]
//! fn stock(sku: &str) -> Result<u32, Status> {
//!     // with tonic: an async function that returns `client.stock(sku).await`
//!     match sku {
//!         "tea" => Err(Status::not_found("tea")),
//!         "pot" => Err(Status::cancelled("the caller has given up")),
//!         _ => Err(Status::unavailable("no connection")),
//!     }
//! }
//!
//! assert_eq!(stock("tea").unwrap_err().code(), Code::NotFound); // a success: the server works
//! assert_eq!(stock("pot").unwrap_err().code(), Code::Cancelled); // ignored
//! stock("mug").unwrap_err();
//! stock("mug").unwrap_err();
//! let rejected = stock("mug").unwrap_err();
//! assert_eq!(rejected.code(), Code::Unavailable);
//! assert!(rejected.metadata().contains_key("grpc-retry-pushback-ms"));
//!
//! let totals = Registry::global().get("stock").unwrap().snapshot().totals;
//! assert_eq!((totals.successes, totals.ignored, totals.failures), (1, 1, 2));
//! ```
//!
//! To protect a whole channel instead of one function, use `integrations::tower_http` (features `tower` and `http`).

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tonic::metadata::MetadataValue;
use tonic::{Code, Status, TimeoutExpired};

use super::grpc::{PUSHBACK, pushback};
use crate::error::{BreakerError, ErrorKind, is_from_breaker, sources};
use crate::outcome::Outcome;
use crate::sync::catch_panic;

/// Returns the outcome of a call with this status: that of its code, with two exceptions. The status of a call that
/// another breaker rejected is ignored. A call that exceeded the time limit of its channel, `Endpoint::timeout`, is a
/// failure, although tonic gives it the code `Cancelled`.
///
/// ```
/// use breaker_runtime::integrations::tonic::outcome_of_status;
/// use breaker_runtime::{BreakerError, ErrorKind, Outcome};
/// use tonic::Status;
///
/// assert_eq!(outcome_of_status(&Status::internal("bug")), Outcome::Failure);
/// let rejection = BreakerError::new("stock", ErrorKind::Open);
/// assert_eq!(outcome_of_status(&Status::from(rejection)), Outcome::Ignored);
/// ```
#[must_use]
pub fn outcome_of_status(status: &Status) -> Outcome {
    if is_from_breaker(status) {
        Outcome::Ignored
    } else if has_timed_out(status) {
        Outcome::Failure
    } else {
        outcome_of_code(status.code())
    }
}

/// Returns `true` if the channel ended the call at its time limit. The `source` methods may be those of the user.
fn has_timed_out(status: &Status) -> bool {
    catch_panic(|| sources(status.source()).any(<dyn Error>::is::<TimeoutExpired>)) == Some(true)
}

/// Returns `true` if the call with this status is a failure, for the key `failure_if` of the attribute.
///
/// Use it together with [`is_ignored`]: with `failure_if` alone, a call that ends with `Cancelled` counts as a success.
///
/// ```
/// use breaker_runtime::integrations::tonic::is_failure;
/// use tonic::Status;
///
/// assert!(is_failure(&Status::unavailable("no connection")));
/// assert!(!is_failure(&Status::invalid_argument("no such sku")));
/// ```
#[must_use]
pub fn is_failure(status: &Status) -> bool {
    outcome_of_status(status) == Outcome::Failure
}

/// Returns `true` if the call with this status is ignored, for the key `ignore_if` of the attribute: a status with the
/// code `Cancelled`, unless the time limit of the channel ended the call, and that of a call that another breaker
/// rejected.
///
/// ```
/// use breaker_runtime::integrations::tonic::is_ignored;
/// use tonic::Status;
///
/// assert!(is_ignored(&Status::cancelled("the caller has given up")));
/// assert!(!is_ignored(&Status::unavailable("no connection")));
/// ```
#[must_use]
pub fn is_ignored(status: &Status) -> bool {
    outcome_of_status(status) == Outcome::Ignored
}

/// Returns the outcome of a call with this code.
///
/// `Unavailable`, `DeadlineExceeded`, `ResourceExhausted`, `Internal`, `Unknown`, `Aborted` and `DataLoss` are
/// failures. `Cancelled` is ignored. Every other code is a success, because it shows that the server works.
///
/// ```
/// use breaker_runtime::Outcome;
/// use breaker_runtime::integrations::tonic::outcome_of_code;
/// use tonic::Code;
///
/// assert_eq!(outcome_of_code(Code::DeadlineExceeded), Outcome::Failure);
/// assert_eq!(outcome_of_code(Code::NotFound), Outcome::Success);
/// assert_eq!(outcome_of_code(Code::Cancelled), Outcome::Ignored);
/// ```
#[must_use]
pub fn outcome_of_code(code: Code) -> Outcome {
    match code {
        Code::Unknown
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => Outcome::Failure,
        Code::Cancelled => Outcome::Ignored,
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Unauthenticated => Outcome::Success,
    }
}

/// Returns the time to wait that the server states in the metadata `grpc-retry-pushback-ms`, for the key `retry_after`
/// of the attribute.
///
/// Returns `None` without that metadata, and if its value is negative or no whole number of milliseconds.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::integrations::tonic::retry_after;
/// use tonic::Status;
///
/// let mut status = Status::resource_exhausted("too many calls");
/// assert_eq!(retry_after(&status), None);
/// status.metadata_mut().insert("grpc-retry-pushback-ms", "1500".parse().unwrap());
/// assert_eq!(retry_after(&status), Some(Duration::from_millis(1500)));
/// ```
#[must_use]
pub fn retry_after(status: &Status) -> Option<Duration> {
    pushback(status.metadata().get(PUSHBACK)?.to_str().ok()?)
}

/// Creates a status with the code `Unavailable`, or `DeadlineExceeded` for a call that timed out.
///
/// The metadata `grpc-retry-pushback-ms` contains [`BreakerError::retry_after`], if it is known. A server sends the
/// status to its client, so the message contains neither the key nor the failure text, which can be data of users. It
/// does not contain the name of the circuit either, because clients show such a message as it is. The response of the
/// feature `axum` has the name in a JSON field of its own. The error is the source of the status, by which
/// [`ErrorKind::find_in`] finds it.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{BreakerError, ErrorKind};
/// use tonic::{Code, Status};
///
/// let error = BreakerError::new("stock", ErrorKind::Open).with_retry_after(Duration::from_secs(27));
/// let status = Status::from(error);
/// assert_eq!(status.code(), Code::Unavailable);
/// assert_eq!(ErrorKind::find_in(&status), Some(ErrorKind::Open));
/// ```
impl From<BreakerError> for Status {
    fn from(error: BreakerError) -> Self {
        let mut status = match error.kind() {
            ErrorKind::Open
            | ErrorKind::HalfOpen
            | ErrorKind::Ramping
            | ErrorKind::ForcedOpen
            | ErrorKind::BulkheadFull
            | ErrorKind::Injected => {
                Self::unavailable("the service is temporarily unavailable; try again later")
            }
            ErrorKind::TimedOut => Self::deadline_exceeded("the service did not respond in time"),
        };
        if let Some(wait) = error.retry_after() {
            let value = MetadataValue::from(whole_millis(wait));
            status.metadata_mut().insert(PUSHBACK, value);
        }
        let source: Arc<dyn Error + Send + Sync> = Arc::new(error);
        status.set_source(source);
        status
    }
}

/// Returns the milliseconds, rounded up, and at most the largest value that clients read.
fn whole_millis(wait: Duration) -> i32 {
    i32::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tonic::{Code, Status};

    use super::super::grpc::outcome_of_number;
    use super::{PUSHBACK, outcome_of_code, retry_after, whole_millis};

    #[test]
    fn codes_and_their_numbers_have_the_same_outcome() {
        for number in 0..20 {
            let code = Code::from_i32(number);
            assert_eq!(outcome_of_number(number.try_into().unwrap()), outcome_of_code(code), "{code:?}");
        }
    }

    #[test]
    fn nonsense_is_no_pushback() {
        for value in ["", "-1", "1.5", "soon", "1s", "99999999999999999999999"] {
            let mut status = Status::unavailable("");
            status.metadata_mut().insert(PUSHBACK, value.parse().unwrap());
            assert_eq!(retry_after(&status), None, "{value:?}");
        }
    }

    #[test]
    fn a_pushback_is_rounded_up_and_saturates() {
        assert_eq!(whole_millis(Duration::from_nanos(1)), 1);
        assert_eq!(whole_millis(Duration::from_millis(7)), 7);
        assert_eq!(whole_millis(Duration::MAX), i32::MAX);
    }
}
