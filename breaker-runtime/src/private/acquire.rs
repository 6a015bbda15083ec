//! What a protected function asks whether a call may go through: its site, the circuit of a key, or a breaker of the
//! user's.

use crate::breaker::{Admission, Rejected};

/// For sync functions.
pub trait Acquire<'a> {
    /// Asks for one call. Blocks while the call waits for its turn.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    fn acquire(self) -> Result<Admission<'a>, Rejected<'a>>;
}

/// For async functions.
pub trait AcquireNow<'a> {
    /// Asks for one call, which does not wait.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
    fn acquire_now(self) -> Result<Admission<'a>, Rejected<'a>>;
}

/// A call that has waited for its turn has its answer already.
impl<'a> AcquireNow<'a> for Result<Admission<'a>, Rejected<'a>> {
    #[inline]
    fn acquire_now(self) -> Self {
        self
    }
}
