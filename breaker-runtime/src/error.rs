//! What a caller gets when the breaker, and not the function, ended a call.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::config::Name;

/// The breaker ended this call, not your function: the function did not run.
///
/// Without a fallback, the error type of a protected function says how this looks to its callers:
///
/// ```
/// use breaker_runtime::{BreakerError, circuit_breaker};
///
/// #[derive(Debug)]
/// enum SearchError {
///     Timeout,
///     Unavailable(BreakerError),
/// }
///
/// impl From<BreakerError> for SearchError {
///     fn from(error: BreakerError) -> Self {
///         Self::Unavailable(error)
///     }
/// }
///
/// #[circuit_breaker(name = "search", failure_threshold = 1)]
/// fn search(query: &str) -> Result<String, SearchError> {
///     Err(SearchError::Timeout)
/// }
///
/// assert!(matches!(search("rust"), Err(SearchError::Timeout)));
/// assert!(matches!(search("rust"), Err(SearchError::Unavailable(_))));
/// ```
#[derive(Clone, Debug)]
pub struct BreakerError {
    name: Name,
    kind: ErrorKind,
    retry_after: Option<Duration>,
}

/// Why the breaker ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The circuit is open.
    Open,
    /// The circuit is half-open and all its trial places are taken.
    HalfOpen,
    /// An operator forced the circuit open.
    ForcedOpen,
}

impl BreakerError {
    pub(crate) const fn new(name: Name, kind: ErrorKind, retry_after: Option<Duration>) -> Self {
        Self { name, kind, retry_after }
    }

    /// The name of the circuit breaker.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Why it ended the call.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// How long until the circuit admits a call again, as of when this error was made, which is right
    /// after the call was rejected; zero if it was open no more by then. Only an open circuit knows:
    /// `None` for the other kinds, and when its `recovery_timeout` is never.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for BreakerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match (self.kind, self.retry_after) {
            (ErrorKind::Open, Some(wait)) => {
                write!(out, "circuit breaker {name:?} is open; call again in {wait:.1?}")
            }
            (ErrorKind::Open, None) => {
                write!(out, "circuit breaker {name:?} is open and never tries again by itself; reset it")
            }
            (ErrorKind::HalfOpen, _) => write!(
                out,
                "circuit breaker {name:?} is half-open and all its trial places are taken; call again soon"
            ),
            (ErrorKind::ForcedOpen, _) => {
                write!(out, "circuit breaker {name:?} was forced open; an operator has to release it")
            }
        }
    }
}

impl Error for BreakerError {}
