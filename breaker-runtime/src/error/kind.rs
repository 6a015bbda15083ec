//! The reason for the error of a breaker, which is also the source of that error.
//!
//! As a source, the kind can be found in every error that forwards `source` to a [`BreakerError`], even if the
//! forwarding error hides the `BreakerError` itself, as thiserror's `#[error(transparent)]` does.
//!
//! [`BreakerError`]: super::BreakerError

use std::error::Error;
use std::fmt;
use std::iter::successors;

use crate::sync::catch_panic;

/// Maximum number of errors that a search visits. A chain of sources may have no end.
const MAX_SOURCES: usize = 64;

/// The reason why the breaker rejected or timed out a call.
///
/// It is the [source](Error::source) of the [`BreakerError`](crate::BreakerError).
///
/// ```
/// use breaker_runtime::{BreakerError, CircuitBreaker, Config, ErrorKind};
///
/// /// Returns the HTTP status for an error.
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
    /// The circuit is half-open and all its trial slots are in use.
    HalfOpen,
    /// The circuit has just closed and does not admit every call yet; see [`ramp`](crate::ConfigBuilder::ramp).
    Ramping,
    /// An operator forced the circuit open.
    ForcedOpen,
    /// `max_concurrent` calls are running, and none of them ended within `max_wait`. Without the feature `tokio`,
    /// an async call does not wait unless `max_wait` is `Duration::MAX`.
    BulkheadFull,
    /// A drill failed the call, which did not run; see `breaker_runtime::chaos` (feature `chaos`).
    Injected,
    /// The call took longer than `call_timeout`.
    TimedOut,
}

impl ErrorKind {
    /// Returns the name of the kind in logs and JSON. `Display` writes a text for people.
    ///
    /// ```
    /// assert_eq!(breaker_runtime::ErrorKind::TimedOut.label(), "timed_out");
    /// ```
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::HalfOpen => "half_open",
            Self::Ramping => "ramping",
            Self::ForcedOpen => "forced_open",
            Self::BulkheadFull => "bulkhead_full",
            Self::Injected => "injected",
            Self::TimedOut => "timed_out",
        }
    }

    /// Returns a small number from which [`from_index`](Self::from_index) returns the kind.
    #[inline]
    pub(crate) const fn index(self) -> u64 {
        self as u64
    }

    /// Returns the kind with this index.
    #[inline]
    pub(crate) const fn from_index(index: u64) -> Self {
        match index {
            0 => Self::Open,
            1 => Self::HalfOpen,
            2 => Self::Ramping,
            3 => Self::ForcedOpen,
            4 => Self::BulkheadFull,
            5 => Self::Injected,
            _ => Self::TimedOut,
        }
    }

    /// Returns the kind of the [`BreakerError`](crate::BreakerError) that `error` is or has among its sources.
    ///
    /// The search ends after 64 errors. Use it where errors of many types arrive, for example to choose an HTTP
    /// status.
    ///
    /// ```
    /// use std::error::Error;
    /// use breaker_runtime::{CircuitBreaker, Config, ErrorKind};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// breaker.force_open();
    /// let rejected: Box<dyn Error> = breaker.try_acquire().unwrap_err().into();
    /// assert_eq!(ErrorKind::find_in(&*rejected), Some(ErrorKind::ForcedOpen));
    /// assert_eq!(ErrorKind::find_in(&std::io::Error::other("not found")), None);
    /// # Ok::<(), Box<dyn Error>>(())
    /// ```
    ///
    /// Annotated functions ignore the errors of other breakers. With
    /// [`call_with`](crate::CircuitBreaker::call_with) and
    /// [`call_async_with`](crate::CircuitBreaker::call_async_with), this classifier does the same:
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, ErrorKind, Outcome};
    ///
    /// fn classify(result: &Result<u32, std::io::Error>) -> Outcome {
    ///     match result {
    ///         Ok(_) => Outcome::Success,
    ///         Err(error) if ErrorKind::find_in(error).is_some() => Outcome::Ignored,
    ///         Err(_) => Outcome::Failure,
    ///     }
    /// }
    ///
    /// let breaker = CircuitBreaker::new("stock", Config::default())?;
    /// breaker.call_with(classify, || Err(std::io::ErrorKind::NotConnected.into()))?.unwrap_err();
    /// assert_eq!(breaker.snapshot().totals.failures, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn find_in(error: &(dyn Error + 'static)) -> Option<Self> {
        sources(Some(error)).find_map(|error| error.downcast_ref::<Self>().copied())
    }
}

/// Returns an error and its sources, the first 64 of them.
pub(crate) fn sources<'e>(
    first: Option<&'e (dyn Error + 'static)>,
) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    successors(first, |&error| error.source()).take(MAX_SOURCES)
}

/// Returns `true` if the error comes from a breaker: it is a `BreakerError`, or it has one among its sources.
///
/// Runs the `source` methods of the user. If one of them panics, the result is `false`.
#[cold]
pub(crate) fn is_from_breaker(error: &(impl Error + ?Sized)) -> bool {
    has_kind(&|| error.source())
}

fn has_kind<'e>(source: &dyn Fn() -> Option<&'e (dyn Error + 'static)>) -> bool {
    catch_panic(|| source().and_then(ErrorKind::find_in)).flatten().is_some()
}

/// Displays what led to the error. The text follows that of the `BreakerError` in a report of sources.
impl fmt::Display for ErrorKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Open => "the circuit opened after failed or slow calls",
            Self::HalfOpen => "the circuit is recovering and admits few calls at once",
            Self::Ramping => "the circuit has recovered and admits a growing share of calls",
            Self::ForcedOpen => "an operator forced the circuit open",
            Self::BulkheadFull => "too many calls are running at once",
            Self::Injected => "a drill failed the call",
            Self::TimedOut => "the call ran longer than its time limit",
        })
    }
}

impl Error for ErrorKind {}
