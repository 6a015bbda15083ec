//! The ways in which a call requests admission: from a site, from the circuit of a key, or from an existing
//! breaker.

use crate::breaker::AdmitResult;

/// Admission of the calls of sync functions.
pub trait Acquire<'a> {
    /// Requests admission for one call. Blocks while the call waits for a slot.
    ///
    /// # Errors
    ///
    /// Returns the rejection if the breaker does not admit the call.
    fn acquire(self) -> AdmitResult<'a>;
}

/// Admission of the calls of async functions.
pub trait AcquireNow<'a> {
    /// Requests admission for one call without waiting for a slot.
    ///
    /// # Errors
    ///
    /// Returns the rejection if the breaker does not admit the call.
    fn acquire_now(self) -> AdmitResult<'a>;
}

/// The result of `acquire_waiting`: the call has already waited.
impl<'a> AcquireNow<'a> for AdmitResult<'a> {
    #[inline]
    fn acquire_now(self) -> Self {
        self
    }
}
