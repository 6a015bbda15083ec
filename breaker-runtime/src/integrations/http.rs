//! Outcomes of HTTP responses, and the header `Retry-After`.
//!
//! It works with every crate that has the types of the crate `http`: reqwest, hyper, axum, tonic and others. With
//! another HTTP client, use [`parse_retry_after`], which takes the value of the header as text.
//!
//! # Which statuses are failures, with reqwest
//!
//! HTTP clients return `Ok` for a response with an error status. `failure_if` makes server errors, 429 and failed
//! connections the failures of this circuit, and `retry_after` keeps it open for as long as the server says. A response
//! with status 404 is a success: it shows that the server works.
//!
//! ```
//! use breaker_runtime::integrations::http::{is_failure_status, retry_after};
//! use breaker_runtime::{BreakerError, circuit_breaker};
//! use reqwest::{Client, Response};
//!
//! #[derive(Debug, thiserror::Error)]
//! enum FetchError {
//!     #[error("the server cannot be reached")]
//!     Connection(#[from] reqwest::Error),
//!     #[error(transparent)]
//!     Breaker(#[from] BreakerError),
//! }
//!
//! #[circuit_breaker(
//!     name = "rates",
//!     failure_if = |result| result.as_ref().map_or(true, |response| is_failure_status(response.status())),
//!     retry_after = |result| retry_after(result.as_ref().ok()?.headers()),
//! )]
//! async fn rates(client: &Client, url: &str) -> Result<Response, FetchError> {
//!     Ok(client.get(url).send().await?)
//! }
//! # drop(rates(&Client::new(), "http://127.0.0.1/"));
//! ```
//!
//! If the function calls other circuits, add `ignore_if(Err(FetchError::Breaker(_)))`, so that their rejections are not
//! counted. The example `http_client` shows a client and a server.
//!
//! # Errors that carry the status
//!
//! A function that turns an error status into an `Err` must read the headers before it drops the response.
//! `reqwest::Response::error_for_status` drops them.
//!
//! ```
//! use std::time::Duration;
//! use breaker_runtime::integrations::http::{is_failure_status, retry_after};
//! use breaker_runtime::{BreakerError, circuit_breaker};
//! use reqwest::{Client, StatusCode};
//!
//! #[derive(Debug, thiserror::Error)]
//! enum FetchError {
//!     #[error("the server responded with status {status}")]
//!     Status { status: StatusCode, retry_after: Option<Duration> },
//!     #[error("the server cannot be reached")]
//!     Connection(#[from] reqwest::Error),
//!     #[error(transparent)]
//!     Breaker(#[from] BreakerError),
//! }
//!
//! impl FetchError {
//!     fn is_outage(&self) -> bool {
//!         match self {
//!             Self::Status { status, .. } => is_failure_status(*status),
//!             Self::Connection(_) => true,
//!             Self::Breaker(_) => false,
//!         }
//!     }
//!
//!     fn retry_after(&self) -> Option<Duration> {
//!         if let Self::Status { retry_after, .. } = self { *retry_after } else { None }
//!     }
//! }
//!
//! #[circuit_breaker(
//!     name = "quotes",
//!     failure_if(Err(error) if error.is_outage()),
//!     retry_after = |result| result.as_ref().err()?.retry_after(),
//! )]
//! async fn quotes(client: &Client, url: &str) -> Result<String, FetchError> {
//!     let response = client.get(url).send().await?;
//!     let status = response.status();
//!     if status.is_client_error() || status.is_server_error() {
//!         return Err(FetchError::Status { status, retry_after: retry_after(response.headers()) });
//!     }
//!     Ok(response.text().await?)
//! }
//! # drop(quotes(&Client::new(), "http://127.0.0.1/"));
//! ```
//!
//! # Responding to rejected calls
//!
//! With the feature `axum`, a handler returns the [`BreakerError`](crate::BreakerError) of a rejected call as it is:
//! it returns `Result<String, BreakerError>`, for example. The response has status 503, or 504 after `call_timeout`, a
//! JSON body, and the header `Retry-After` if the time is known; see `integrations::axum`, section Rejected calls in
//! handlers. If the client uses [`retry_after`] as well, its circuit stays open for as long as that of the server.

use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::clock::Clock;
use crate::outcome::Outcome;

/// Returns the outcome of a response with this status: a failure for 5xx and 429, otherwise a success.
///
/// Any other client error, such as 404, shows that the server works. Select other statuses with a match:
///
/// ```
/// use breaker_runtime::Outcome;
/// use breaker_runtime::integrations::http::outcome_of_status;
/// use http::StatusCode;
///
/// assert_eq!(outcome_of_status(StatusCode::BAD_GATEWAY), Outcome::Failure);
/// assert_eq!(outcome_of_status(StatusCode::TOO_MANY_REQUESTS), Outcome::Failure);
/// assert_eq!(outcome_of_status(StatusCode::NOT_FOUND), Outcome::Success);
///
/// let outcome = |status| match status {
///     StatusCode::UNAUTHORIZED => Outcome::Ignored,
///     other => outcome_of_status(other),
/// };
/// assert_eq!(outcome(StatusCode::UNAUTHORIZED), Outcome::Ignored);
/// ```
#[must_use]
pub fn outcome_of_status(status: StatusCode) -> Outcome {
    if is_failure_status(status) { Outcome::Failure } else { Outcome::Success }
}

/// Returns `true` for the statuses 5xx and 429, for the key `failure_if` of the attribute.
///
/// ```
/// use breaker_runtime::integrations::http::is_failure_status;
/// use http::StatusCode;
///
/// assert!(is_failure_status(StatusCode::SERVICE_UNAVAILABLE));
/// assert!(!is_failure_status(StatusCode::CONFLICT));
/// ```
#[must_use]
pub fn is_failure_status(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Returns the time to wait that the header `Retry-After` of a response states, for the key `retry_after` of the
/// attribute and for [`Permit::fail_with_retry_after`](crate::Permit::fail_with_retry_after).
///
/// Reads both forms of the value like [`parse_retry_after`], except that a date is relative to the header `Date` of
/// the same response, if that has a valid one. The clocks of client and server then need not agree. Of several
/// `Retry-After` headers, the longest time counts. Returns `None` without a valid header, and never panics.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::integrations::http::retry_after;
/// use http::{HeaderMap, HeaderValue};
///
/// let mut headers = HeaderMap::new();
/// assert_eq!(retry_after(&headers), None);
///
/// headers.insert("Retry-After", HeaderValue::from_static("120"));
/// assert_eq!(retry_after(&headers), Some(Duration::from_secs(120)));
///
/// headers.insert("Date", HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
/// headers.insert("Retry-After", HeaderValue::from_static("Sun, 06 Nov 1994 08:50:07 GMT"));
/// assert_eq!(retry_after(&headers), Some(Duration::from_secs(30)));
/// ```
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let sent_at = headers.get(DATE).and_then(text_of);
    headers.get_all(RETRY_AFTER).iter().filter_map(text_of).filter_map(|value| parse(value, sent_at)).max()
}

/// Returns the time to wait that the value of a header `Retry-After` states. It is either of:
///
/// * a whole number of seconds, such as `120`. A number that is too large for a `Duration` means the largest whole
///   number of seconds that fits.
/// * a date in one of the three formats of HTTP, such as `Sun, 06 Nov 1994 08:49:37 GMT`. The result is the time from
///   now until then, or zero if the date has passed. Formats with a year of two digits cover 1970 to 2069.
///
/// Space around the value is ignored. Returns `None` for any other value, such as an empty one, a negative or
/// fractional number, or a list, and never panics. A circuit limits the time by
/// [`max_recovery_timeout`](crate::ConfigBuilder::max_recovery_timeout).
///
/// "Now" is the wall clock of the system. In a test scope, and while a test pauses tokio's clock, it is later by the
/// time by which the test has advanced its clock. It is not later for a registry of
/// `Registry::with_clock`, because this function does not know the registry.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::integrations::http::parse_retry_after;
///
/// assert_eq!(parse_retry_after("120"), Some(Duration::from_secs(120)));
/// assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
/// assert_eq!(parse_retry_after("soon"), None);
/// ```
#[must_use]
pub fn parse_retry_after(value: &str) -> Option<Duration> {
    parse(value, None)
}

fn text_of(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

/// Parses a value of `Retry-After`. A date is relative to `sent_at`, or to the wall clock if that is no valid date.
fn parse(value: &str, sent_at: Option<&str>) -> Option<Duration> {
    let value = value.trim_matches([' ', '\t']);
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Only a number that is too large is an error here.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let from = sent_at.and_then(|date| httpdate::parse_http_date(date).ok());
    let from = from.unwrap_or_else(|| Clock::here().wall_time());
    Some(until.duration_since(from).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn only_server_errors_and_429_are_failures() {
        for code in 100..1000 {
            let status = StatusCode::from_u16(code).unwrap();
            let is_failure = code == 429 || (500..600).contains(&code);
            assert_eq!(is_failure_status(status), is_failure, "{code}");
            assert_eq!(outcome_of_status(status) == Outcome::Failure, is_failure, "{code}");
        }
    }

    #[test]
    fn a_number_of_seconds_is_read_and_saturates() {
        for (value, wait) in [
            ("0", 0),
            ("7", 7),
            ("007", 7),
            ("\t 120 \t", 120),
            ("18446744073709551615", u64::MAX),
            ("18446744073709551616", u64::MAX),
        ] {
            assert_eq!(parse_retry_after(value), Some(seconds(wait)), "{value}");
        }
        assert_eq!(parse_retry_after(&"9".repeat(100_000)), Some(seconds(u64::MAX)));
        assert_eq!(parse_retry_after(&"0".repeat(100_000)), Some(seconds(0)));
    }

    #[test]
    fn nonsense_is_no_time() {
        for value in [
            "",
            " ",
            "-1",
            "+1",
            "1.5",
            "1e3",
            "1s",
            "0x10",
            "1 2",
            "60, 120",
            "1_000",
            "\u{663}",
            "\u{a0}1",
            "é",
            "soon",
            "NaN",
            "Infinity",
            "\0",
            "GMT",
            "Sun, 06 Nov 1994",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 31 Feb 2027 08:49:37 GMT",
            "Sun, 06 Nov 12026 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "1994-11-06T08:49:37Z",
            "Thu, 01 Jan 0000 00:00:00 GMT",
        ] {
            assert_eq!(parse_retry_after(value), None, "{value:?}");
            assert_eq!(parse(value, Some(value)), None, "{value:?}");
        }
        assert_eq!(retry_after(&headers(&[("retry-after", b"\xff\xfe12")])), None);
    }

    #[test]
    fn no_damaged_date_panics() {
        for format in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            for index in 0..format.len() {
                for damage in ["", "9", "0", "-", " ", "é", "\0"] {
                    let (head, tail) = format.split_at(index);
                    let damaged = format!("{head}{damage}{}", tail.get(1..).unwrap());
                    let wait = parse(&damaged, Some(format));
                    assert!(wait <= Some(seconds(8006 * 366 * 24 * 3600)), "{damaged}");
                    assert!(parse(format, Some(&damaged)).is_some());
                    assert!(parse(head, Some(tail)).is_none_or(|wait| wait == Duration::ZERO), "{head}");
                }
            }
        }
    }

    #[test]
    fn a_date_is_relative_to_the_date_of_the_response_in_all_formats() {
        for date in
            ["Sun, 06 Nov 1994 08:50:37 GMT", "Sunday, 06-Nov-94 08:50:37 GMT", "Sun Nov  6 08:50:37 1994"]
        {
            let sent_at = ("date", b"Sun, 06 Nov 1994 08:49:37 GMT".as_slice());
            let headers_of_response = headers(&[sent_at, ("retry-after", date.as_bytes())]);
            assert_eq!(retry_after(&headers_of_response), Some(seconds(60)));
            // Without that header, the date has passed.
            assert_eq!(parse_retry_after(date), Some(seconds(0)));
        }
    }

    #[test]
    fn a_date_without_a_valid_date_of_the_response_is_relative_to_now() {
        let until = Clock::default().wall_time() + seconds(3600);
        let date = httpdate::fmt_http_date(until);
        for sent_at in ["", "yesterday", "\u{e9}"] {
            let pairs = [("date", sent_at.as_bytes()), ("retry-after", date.as_bytes())];
            let wait = retry_after(&headers(&pairs)).unwrap();
            // The date has no fraction of a second.
            assert!(wait <= seconds(3600) && wait > seconds(3500), "{wait:?}");
        }
        let far = retry_after(&headers(&[("retry-after", b"Fri, 31 Dec 9999 23:59:59 GMT")])).unwrap();
        assert!(far > seconds(7900 * 365 * 24 * 3600), "{far:?}");
    }

    #[test]
    fn the_longest_valid_header_counts() {
        let lines: &[(&'static str, &[u8])] = &[
            ("retry-after", b"30"),
            ("retry-after", b"nonsense"),
            ("retry-after", b"120"),
            ("retry-after", b"60"),
        ];
        assert_eq!(retry_after(&headers(lines)), Some(seconds(120)));
    }
}
