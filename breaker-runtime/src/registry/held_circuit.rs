//! The circuit of one call, which a hold of its thread keeps instead of a counted handle.
#![expect(unsafe_code, reason = "counting the handles would write to memory that all threads share")]

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::breaker::{Circuit, CircuitBreaker};
use crate::sync::holds::Hold;

/// A circuit that is neither evicted nor freed while this exists.
pub(crate) struct HeldCircuit {
    circuit: NonNull<Circuit>,
    /// Ends when this is dropped. `None` if this is a counted handle: the calls of its thread use all holds, or the
    /// circuit was found under the lock.
    hold: Option<Hold>,
}

/// Proves once that any thread can use a circuit.
const _: () = {
    const fn assert_any_thread<T: Send + Sync>() {}
    assert_any_thread::<Arc<Circuit>>();
};

// SAFETY: it is a handle of a circuit, or a reference to it, and its hold may end on any thread.
unsafe impl Send for HeldCircuit {}

// SAFETY: as above.
unsafe impl Sync for HeldCircuit {}

impl HeldCircuit {
    /// # Safety
    ///
    /// A search has found the circuit in the map of a breaker that is never dropped, and ended in this hold.
    #[inline]
    pub(super) const unsafe fn held(circuit: NonNull<Circuit>, hold: Hold) -> Self {
        Self { circuit, hold: Some(hold) }
    }

    pub(super) fn counted(circuit: CircuitBreaker) -> Self {
        let circuit = Arc::into_raw(circuit.into_circuit());
        // SAFETY: the pointer of an `Arc` is not null.
        Self { circuit: unsafe { NonNull::new_unchecked(circuit.cast_mut()) }, hold: None }
    }

    /// Returns `true` if it is no counted handle.
    #[cfg(test)]
    pub(super) const fn is_held(&self) -> bool {
        self.hold.is_some()
    }
}

impl Deref for HeldCircuit {
    type Target = Circuit;

    #[inline]
    fn deref(&self) -> &Circuit {
        // SAFETY: a circuit that was in the map is freed only when it is in no hold and has no other handle.
        unsafe { self.circuit.as_ref() }
    }
}

impl Drop for HeldCircuit {
    #[inline]
    fn drop(&mut self) {
        if self.hold.is_none() {
            // SAFETY: the pointer is from `counted`, and this is its only use as a handle.
            drop(unsafe { Arc::from_raw(self.circuit.as_ptr()) });
        }
    }
}

impl fmt::Debug for HeldCircuit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}
