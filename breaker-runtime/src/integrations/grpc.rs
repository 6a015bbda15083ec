//! The failures in the gRPC protocol: the numbers of its status codes, and the pushback of a server.

use std::time::Duration;

use crate::outcome::Outcome;

/// The metadata in which a server says after how many milliseconds a call may be tried again.
pub(super) const PUSHBACK: &str = "grpc-retry-pushback-ms";

/// The number of the status code for success.
#[allow(dead_code, reason = "only the feature `http` reads numbers")]
pub(super) const OK: u16 = 0;
/// The number of the status code for a call that its caller has cancelled.
const CANCELLED: u16 = 1;
/// The numbers of the codes unknown, deadline exceeded, resource exhausted, aborted, internal, unavailable, data loss.
const FAILURES: [u16; 7] = [2, 4, 8, 10, 13, 14, 15];
/// The largest number of a status code. A client handles a larger one like unknown.
const LARGEST: u16 = 16;

/// Returns the outcome of a call with this status code.
#[allow(dead_code, reason = "only the feature `http` reads numbers")]
pub(super) fn outcome_of_number(code: u16) -> Outcome {
    match code {
        CANCELLED => Outcome::Ignored,
        code if FAILURES.contains(&code) || code > LARGEST => Outcome::Failure,
        _ => Outcome::Success,
    }
}

/// Returns the time to wait that a value of [`PUSHBACK`] states. A negative value forbids to try again, and is no time.
pub(super) fn pushback(value: &str) -> Option<Duration> {
    value.parse().ok().map(Duration::from_millis)
}
