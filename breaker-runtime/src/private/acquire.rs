//! What a protected function asks whether a call may go through: its site, the circuit of a key, or a breaker of the
//! user's.

use crate::breaker::Acquired;

/// For sync functions.
pub trait Acquire<'a> {
    /// Asks for one call. Blocks while the call waits for its turn.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    fn acquire(self) -> Acquired<'a>;
}

/// For async functions.
pub trait AcquireNow<'a> {
    /// Asks for one call, which does not wait.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    fn acquire_now(self) -> Acquired<'a>;
}

/// A call that has waited for its turn has its answer already.
impl<'a> AcquireNow<'a> for Acquired<'a> {
    #[inline]
    fn acquire_now(self) -> Self {
        self
    }
}
