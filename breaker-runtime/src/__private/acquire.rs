//! Admission of a call by the circuit of a site, of a key, or of an existing breaker.

use crate::breaker::{AdmitResult, AsyncCall, Circuit, Waited};

/// A circuit that admits the calls of a function.
#[derive(Clone, Copy, Debug)]
pub struct CircuitRef<'a>(pub(super) &'a Circuit);

/// Finds the circuit of a call, and requests admission from it.
pub trait Acquire<'a>: Sized {
    /// Returns the circuit of this call.
    fn circuit(self) -> CircuitRef<'a>;

    /// Requests admission for one call of a sync function. Blocks while the call waits for a slot.
    ///
    /// # Errors
    ///
    /// Returns the rejection if the breaker does not admit the call.
    #[inline]
    fn acquire(self) -> AdmitResult<'a> {
        self.circuit().0.admit_blocking()
    }

    /// Starts one call of an async function. The call waits for a slot, if it must, when it is polled.
    #[inline]
    fn start(self) -> AsyncCall<'a> {
        self.circuit().0.start_async()
    }

    /// Starts one call of an async function, and returns a future of the call once it need not wait for a
    /// slot.
    #[inline]
    fn start_after_wait(self) -> Waited<'a> {
        Waited::new(self.start())
    }
}
