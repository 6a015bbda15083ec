//! The calls that this thread runs and that hold a slot: a trial slot or a bulkhead slot.
//!
//! A call inside a call of the same circuit runs in the slot of the outer call. If it needed a slot of its
//! own, trial calls would reject each other, and a bulkhead would wait for itself. A call that a ramp admitted
//! is in this list too, so that calls inside it are admitted with it. Other calls that hold no slot are not, so
//! a closed circuit without `max_concurrent` does not use it.
//!
//! A sync call is in scope from its admission until it is settled. An async call is in scope while it is
//! polled. A permit is never in this list: its owner may settle it on another thread.

use std::cell::RefCell;

use super::admission::Call;
use super::circuit::Circuit;
use crate::state::machine::Ticket;
use crate::sync::per_thread;

/// A call that holds a slot.
#[derive(Clone, Copy)]
struct SlotHolder {
    /// The address of its circuit, which exists as long as the call.
    circuit: usize,
    ticket: Ticket,
    is_in_bulkhead: bool,
}

per_thread! {
    static HOLDERS: RefCell<Vec<SlotHolder>> = const { RefCell::new(Vec::new()) };
}

impl Circuit {
    /// Returns the ticket for a call inside a trial call, if this thread runs a trial call of this circuit
    /// that has not been settled and whose lease has not ended.
    #[cold]
    pub(super) fn nested_ticket(&self) -> Option<Ticket> {
        let trial = self.find_holder(|holder| holder.ticket.trial().is_some())?.ticket;
        self.machine.is_trial_running(trial, &self.clock).then(|| trial.nested())
    }

    /// Returns `true` if this thread runs a call that holds a bulkhead slot of this circuit.
    pub(super) fn is_in_bulkhead(&self) -> bool {
        self.find_holder(|holder| holder.is_in_bulkhead).is_some()
    }

    /// Returns `true` if this thread runs a call of this circuit that is in scope.
    pub(super) fn is_inside_call(&self) -> bool {
        self.find_holder(|_| true).is_some()
    }

    /// Removes a call from the scope of this thread.
    #[cold]
    pub(super) fn leave_scope(&self) {
        let circuit = self.address();
        // While a thread destroys its local values, no call is in scope.
        _ = HOLDERS.try_with(|holders| {
            let mut holders = holders.borrow_mut();
            if let Some(last) = holders.iter().rposition(|holder| holder.circuit == circuit) {
                holders.remove(last);
            }
        });
    }

    fn find_holder(&self, accepts: impl Fn(&SlotHolder) -> bool) -> Option<SlotHolder> {
        let circuit = self.address();
        let find = |holders: &RefCell<Vec<SlotHolder>>| {
            let holders = holders.borrow();
            holders.iter().rev().find(|holder| holder.circuit == circuit && accepts(holder)).copied()
        };
        HOLDERS.try_with(find).ok().flatten()
    }
}

impl Call<'_> {
    /// Puts a call that holds a slot into the scope of this thread.
    #[cold]
    #[inline(never)]
    pub(super) fn enter_scope(&mut self) {
        let holder = SlotHolder {
            circuit: self.circuit.address(),
            ticket: self.ticket,
            is_in_bulkhead: self.stamp.is_in_bulkhead(),
        };
        if HOLDERS.try_with(|holders| holders.borrow_mut().push(holder)).is_ok() {
            self.stamp = self.stamp.in_scope();
        }
    }

    /// Removes an async call from the scope of this thread between two polls.
    pub(super) fn suspend_scope(&mut self) {
        if self.stamp.is_in_scope() {
            self.circuit.leave_scope();
            self.stamp = self.stamp.out_of_scope();
        }
    }
}
