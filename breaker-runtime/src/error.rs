//! What a caller gets when the breaker, and not the function, ended a call.

mod call;

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use self::call::CallError;

use crate::clock::{Clock, Moment};
use crate::config::{CircuitId, Name};

/// The breaker ended this call, not your function: the function did not run, or it took too long and was
/// dropped.
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
    key: Option<Arc<str>>,
    kind: ErrorKind,
    /// When an open circuit admits its first trial.
    due: Option<Moment>,
    clock: Clock,
}

/// Why the breaker ended a call.
///
/// ```
/// use breaker_runtime::{BreakerError, CircuitBreaker, Config, ErrorKind};
///
/// /// The status that a web server answers with.
/// fn status(error: &BreakerError) -> u16 {
///     match error.kind() {
///         ErrorKind::BulkheadFull => 429,
///         ErrorKind::TimedOut => 504,
///         _ => 503,
///     }
/// }
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// breaker.force_open();
/// let error = breaker.try_acquire().unwrap_err();
/// assert_eq!((error.kind(), status(&error)), (ErrorKind::ForcedOpen, 503));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The circuit is open.
    Open,
    /// The circuit is half-open and all its trial places are taken.
    HalfOpen,
    /// An operator forced the circuit open.
    ForcedOpen,
    /// As many calls are running as may run at a time, and none ended while this one waited.
    BulkheadFull,
    /// The call took longer than it may.
    TimedOut,
}

impl BreakerError {
    pub(crate) fn new(
        CircuitId { name, key }: CircuitId,
        kind: ErrorKind,
        due: Option<Moment>,
        clock: Clock,
    ) -> Self {
        Self { name, key, kind, due, clock }
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

    /// The key of the circuit, if its breaker has one for each key.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// How long until the circuit admits a call again, from now, the moment of asking; zero if that is due.
    /// Only an open circuit knows: `None` for the other kinds, and when its `recovery_timeout` is never.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.due?.wait_from(self.clock.now())
    }
}

impl fmt::Display for BreakerError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "circuit breaker {:?}", self.name())?;
        if let Some(key) = self.key() {
            write!(out, " for {key:?}")?;
        }
        match (self.kind, self.retry_after()) {
            (ErrorKind::Open, Some(wait)) => write!(out, " is open; call again in {wait:.1?}"),
            (ErrorKind::Open, None) => out.write_str(" is open and never tries again by itself; reset it"),
            (ErrorKind::HalfOpen, _) => {
                out.write_str(" is half-open and all its trial places are taken; call again soon")
            }
            (ErrorKind::ForcedOpen, _) => out.write_str(" was forced open; an operator has to release it"),
            (ErrorKind::BulkheadFull, _) => out.write_str(
                " has as many calls running as may run at a time; call again soon or raise max_concurrent",
            ),
            (ErrorKind::TimedOut, _) => out.write_str(
                " ended the call because it took longer than call_timeout; it counts as a failure",
            ),
        }
    }
}

impl Error for BreakerError {}
