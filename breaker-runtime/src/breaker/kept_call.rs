//! A successful call of a function with `settle = stream`, between the end of its body and the start of its stream.

use std::any::Any;

use super::admission::Admission;
use super::owned_permit::OwnedPermit;
use super::permit::Permit;
use crate::outcome::Outcome;
use crate::sync::{Mutex, lock};

/// Holds the permit of a call that is settled later, once the body of the call has returned a success.
#[derive(Debug, Default)]
pub struct KeptCall(Mutex<Option<OwnedPermit>>);

impl KeptCall {
    fn set(&self, permit: OwnedPermit) {
        let replaced = lock(&self.0).replace(permit);
        // A call is kept once, so this is `None`.
        drop(replaced);
    }

    /// Returns the permit of the call, if it is a success.
    #[allow(dead_code, reason = "only the feature `stream` continues calls")]
    pub(crate) fn take(&self) -> Option<OwnedPermit> {
        lock(&self.0).take()
    }
}

impl Admission<'_> {
    /// Moves the call to its keeper instead of settling it. It leaves the scope of its thread.
    pub(super) fn keep(self, keeper: &dyn Any) {
        let mut call = self.0;
        if call.stamp.is_in_scope() {
            call.circuit.leave_scope();
            call.stamp = call.stamp.out_of_scope();
        }
        match (keeper.downcast_ref::<KeptCall>(), call.circuit.handle()) {
            (Some(kept), Some(circuit)) => {
                kept.set(OwnedPermit::new(&circuit, Permit::waiting(Self(call))));
            }
            // Unreachable: `keeper` is always a `KeptCall`, and a circuit exists as long as a reference to it.
            (None, _) | (_, None) => _ = call.circuit.record_success(call.ticket, call.stamp),
        }
    }
}

/// A call that nothing continues has ended: its function has returned an error that is no failure.
impl Drop for KeptCall {
    fn drop(&mut self) {
        let permit = lock(&self.0).take();
        if let Some(permit) = permit {
            permit.settle(Outcome::Success);
        }
    }
}
