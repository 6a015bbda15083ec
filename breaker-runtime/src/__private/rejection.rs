//! The output of a rejected call without a fallback.

use crate::breaker::Rejection;
use crate::error::BreakerError;

/// Converts a rejection to the output of the function.
#[inline]
#[must_use]
pub fn reject<T: FromRejected>(rejected: Rejection<'_>) -> T {
    T::from_rejected(rejected.into())
}

/// A return type that can represent a rejection.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot represent a call that the circuit breaker rejects",
    label = "a rejected call must return this type",
    note = "add a fallback, `fallback = |error| ..`, or return a `Result<_, E>` where `E: From<BreakerError>`; \
            with thiserror, add the variant `#[error(transparent)] Breaker(#[from] breaker_runtime::BreakerError)`",
    note = "the error type of another crate, such as `io::Error` or `reqwest::Error`, cannot implement it: wrap it in \
            an error type of your own, or in `anyhow::Error` or `Box<dyn Error + Send + Sync>`, or add a fallback"
)]
pub trait FromRejected {
    /// Converts the error of a rejection.
    fn from_rejected(error: BreakerError) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T, E: From<BreakerError>> FromRejected for Result<T, E> {
    #[cold]
    fn from_rejected(error: BreakerError) -> Self {
        Err(E::from(error))
    }
}
