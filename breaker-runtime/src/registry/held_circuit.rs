//! The circuit of one call, which a hold of its thread keeps instead of a counted handle.
#![expect(unsafe_code, reason = "counting the handles would write to memory that all threads share")]

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use crate::breaker::{Circuit, CircuitBreaker};
use crate::sync::holds::Hold;

/// A circuit that is neither evicted nor freed while this exists: in a hold of a thread, or with a counted handle.
pub(crate) struct HeldCircuit {
    circuit: NonNull<Circuit>,
    /// Ends when this is dropped. `None` if this is a counted handle, because the calls of its thread use all holds or
    /// because the circuit was found under the lock.
    hold: Option<Hold>,
}

// Any thread can use and free a circuit.
const _: () = {
    const fn assert_any_thread<T: Send + Sync>() {}
    assert_any_thread::<Arc<Circuit>>();
};

// SAFETY: it is an `Arc<Circuit>` or a `&Circuit`, which are `Send` because of the assertion above, and a hold may end
// on any thread.
unsafe impl Send for HeldCircuit {}

// SAFETY: sharing it only shares the `&Circuit`, which is `Send`.
unsafe impl Sync for HeldCircuit {}

impl HeldCircuit {
    /// # Safety
    ///
    /// The search of `hold` has found the circuit in the map of a breaker that is never dropped, and `hold` has kept
    /// it.
    #[inline]
    pub(super) const unsafe fn held(circuit: NonNull<Circuit>, hold: Hold) -> Self {
        Self { circuit, hold: Some(hold) }
    }

    pub(super) fn counted(circuit: CircuitBreaker) -> Self {
        let circuit = Arc::into_raw(circuit.into_circuit());
        // SAFETY: the pointer of an `Arc` is not null.
        Self { circuit: unsafe { NonNull::new_unchecked(circuit.cast_mut()) }, hold: None }
    }

    /// Returns `true` if it is in a hold, and `false` if it is a counted handle.
    #[cfg(test)]
    pub(super) const fn is_held(&self) -> bool {
        self.hold.is_some()
    }
}

impl Deref for HeldCircuit {
    type Target = Circuit;

    #[inline]
    fn deref(&self) -> &Circuit {
        // SAFETY: a counted handle keeps the circuit. Otherwise the hold contains its address, and the breaker, which
        // is never dropped, keeps a handle of each circuit that is in the map or in a hold.
        unsafe { self.circuit.as_ref() }
    }
}

impl Drop for HeldCircuit {
    #[inline]
    fn drop(&mut self) {
        if self.hold.is_none() {
            // SAFETY: the pointer comes from `Arc::into_raw` in `counted`, and its count is given back only here.
            drop(unsafe { Arc::from_raw(self.circuit.as_ptr()) });
        }
    }
}

impl fmt::Debug for HeldCircuit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}
