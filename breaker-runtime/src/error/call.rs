//! What a fallback gets that runs after failed calls too.

use std::error::Error;
use std::fmt;

use super::BreakerError;

/// Why a call has no good result: what the closure of a fallback gets with `fallback_on = failure`. `T` is
/// what the function returns.
///
/// ```
/// use breaker_runtime::{CallError, circuit_breaker};
///
/// #[circuit_breaker(
///     name = "quote",
///     fallback = |error| match error {
///         CallError::Failed(Err(why)) => Ok(why.len()),
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
#[derive(Clone, Debug)]
pub enum CallError<T> {
    /// The breaker ended the call: the function did not run, or took too long.
    Breaker(BreakerError),
    /// The function returned this, which counts as a failure.
    Failed(T),
}

/// As the breaker's error or the function's own, whichever it is.
impl<T, E: fmt::Display> fmt::Display for CallError<Result<T, E>> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Breaker(error) => error.fmt(out),
            Self::Failed(Err(error)) => error.fmt(out),
            Self::Failed(Ok(_)) => out.write_str("the call returned a value that counts as a failure"),
        }
    }
}

/// What the function returned need not be an error of the standard library, so it is told, and is no source.
impl<T: fmt::Debug, E: fmt::Debug + fmt::Display> Error for CallError<Result<T, E>> {}
