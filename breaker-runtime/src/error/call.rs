//! The error that a fallback with `fallback_on = failure` receives.
//!
//! It contains the value that the function returned, but does not know why that value counts as a failure.

use std::error::Error;
use std::fmt;

use super::BreakerError;

/// The error of a call that was rejected, timed out or failed.
///
/// A fallback with `fallback_on = failure` receives it. `T` is the return type of the function.
///
/// ```
/// use breaker_runtime::{CallError, circuit_breaker};
///
/// #[circuit_breaker(
///     name = "quote",
///     fallback = |error| match error {
///         CallError::Failed(Err(text)) => Ok(text.len()),
///         CallError::Failed(Ok(_)) | CallError::Breaker(_) => Ok(0),
///     },
///     fallback_on = failure
/// )]
/// fn quote(symbol: &str) -> Result<usize, String> {
///     Err(format!("{symbol} is unknown"))
/// }
///
/// assert_eq!(quote("X"), Ok(12));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError<T> {
    /// The breaker rejected or timed out the call.
    Breaker(BreakerError),
    /// The function returned this value. It counts as a failure, or it is the error of another circuit breaker.
    Failed(T),
}

/// Displays the error of the breaker or of the function.
impl<T, E: fmt::Display> fmt::Display for CallError<Result<T, E>> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Breaker(error) => error.fmt(out),
            Self::Failed(Err(error)) => error.fmt(out),
            Self::Failed(Ok(_)) => out.write_str("the call returned a value that counts as a failure"),
        }
    }
}

/// Has the source of its [`BreakerError`]. A failed value has none, because the function's error need not implement
/// [`Error`]; return that value itself if a caller looks at its sources.
impl<T: fmt::Debug, E: fmt::Debug + fmt::Display> Error for CallError<Result<T, E>> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Breaker(error) => error.source(),
            Self::Failed(_) => None,
        }
    }
}
