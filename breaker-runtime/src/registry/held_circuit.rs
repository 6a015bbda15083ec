//! The circuit of one call, which a hold of its thread keeps instead of a counted handle.
#![expect(unsafe_code, reason = "counting the handles would write to memory that all threads share")]

use std::ops::Deref;
use std::ptr::NonNull;

use crate::breaker::{Circuit, CircuitBreaker};
use crate::sync::holds::Hold;

/// A circuit that is neither evicted nor freed while this exists.
#[derive(Debug)]
pub(crate) enum HeldCircuit {
    Held(CircuitInUse),
    /// The calls of this thread use all of its holds, or the circuit was found under the lock.
    Owned(CircuitBreaker),
}

/// A circuit whose address is in a hold.
#[derive(Debug)]
pub(crate) struct CircuitInUse {
    circuit: NonNull<Circuit>,
    /// Ends when this is dropped.
    _hold: Hold,
}

/// Proves once that a reference to a circuit can be used by any thread.
const _: () = {
    const fn assert_sync<T: Sync>() {}
    assert_sync::<Circuit>();
};

// SAFETY: it is a shared reference to a circuit, which is `Sync`, and its hold may end on any thread.
unsafe impl Send for CircuitInUse {}

// SAFETY: as above.
unsafe impl Sync for CircuitInUse {}

impl HeldCircuit {
    /// # Safety
    ///
    /// A search has found the circuit in the map of a breaker that is never dropped, and ended in this hold.
    #[inline]
    pub(super) unsafe fn held(circuit: NonNull<Circuit>, hold: Hold) -> Self {
        Self::Held(CircuitInUse { circuit, _hold: hold })
    }
}

impl Deref for HeldCircuit {
    type Target = Circuit;

    #[inline]
    fn deref(&self) -> &Circuit {
        match self {
            // SAFETY: a circuit that was in the map is freed only when its address is in no hold.
            Self::Held(CircuitInUse { circuit, .. }) => unsafe { circuit.as_ref() },
            Self::Owned(circuit) => circuit.circuit(),
        }
    }
}
