//! The calls that this thread runs and that hold a slot: a trial slot or a bulkhead slot.
//!
//! A call inside a call of the same circuit runs in the slot of the outer call. If it needed a slot of its
//! own, trial calls would reject each other, and a bulkhead would wait for itself. A call that a ramp admitted
//! is in this list too, so that calls inside it are admitted with it. Other calls that hold no slot are not, so
//! a closed circuit without `max_concurrent` does not use it.
//!
//! A sync call is in scope from its admission until it is settled. An async call is in scope while it is
//! polled. Tasks of an executor that the call drives on this thread are in its scope too, because finding out the
//! task of each call would cost every call with a slot. A permit is never in this list: its owner may settle it on
//! another thread.
//!
//! The list needs no destructor, so it also works while the thread destroys its local values.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;

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

/// The calls of one thread, the innermost one last.
struct SlotHolders {
    count: Cell<usize>,
    first: [Cell<SlotHolder>; INLINE],
    /// The calls after the first ones. Its memory is freed when the last of them is removed, so that the thread
    /// ends without any.
    further: ManuallyDrop<RefCell<Vec<SlotHolder>>>,
}

/// Number of calls that need no allocation: circuits with slots whose calls contain each other.
const INLINE: usize = 4;

per_thread! {
    static HOLDERS: SlotHolders = const { SlotHolders::new() };
}

impl SlotHolder {
    const NONE: Self = Self { circuit: 0, ticket: Ticket::SHADOW, is_in_bulkhead: false };
}

impl SlotHolders {
    const fn new() -> Self {
        Self {
            count: Cell::new(0),
            first: [const { Cell::new(SlotHolder::NONE) }; INLINE],
            further: ManuallyDrop::new(RefCell::new(Vec::new())),
        }
    }

    #[inline]
    fn push(&self, holder: SlotHolder) {
        let count = self.count.get();
        match self.first.get(count) {
            Some(cell) => cell.set(holder),
            None => self.further.borrow_mut().push(holder),
        }
        self.count.set(count + 1);
    }

    /// Removes the innermost call of this circuit.
    #[inline]
    fn remove(&self, circuit: usize) {
        let Some(last) = self.count.get().checked_sub(1) else {
            return;
        };
        match self.first.get(last) {
            Some(cell) if cell.get().circuit == circuit => self.count.set(last),
            Some(_) | None => self.remove_rarely(circuit),
        }
    }

    /// Removes the innermost call of this circuit, although it is not the last one or is not stored inline.
    #[cold]
    #[inline(never)]
    fn remove_rarely(&self, circuit: usize) {
        let mut further = std::mem::take(&mut *self.further.borrow_mut());
        let inline = self.first.iter().take(self.count.get()).map(Cell::get);
        if further.pop_if(|last| last.circuit == circuit).is_none() {
            let mut holders: Vec<SlotHolder> = inline.chain(further).collect();
            if let Some(innermost) = holders.iter().rposition(|holder| holder.circuit == circuit) {
                holders.remove(innermost);
            }
            self.count.set(0);
            for holder in holders {
                self.push(holder);
            }
        } else {
            self.count.set(self.count.get() - 1);
            if !further.is_empty() {
                *self.further.borrow_mut() = further;
            }
        }
    }

    /// Returns the calls, the innermost one first.
    #[inline]
    fn iter(&self) -> impl Iterator<Item = SlotHolder> {
        (0..self.count.get()).rev().filter_map(|index| match self.first.get(index) {
            Some(cell) => Some(cell.get()),
            None => self.further.borrow().get(index - INLINE).copied(),
        })
    }
}

impl Circuit {
    /// Returns the ticket for a call inside a trial call, if this thread runs a trial call of this circuit
    /// that has not been settled and whose lease has not ended.
    #[cold]
    pub(super) fn nested_ticket(&self) -> Option<Ticket> {
        let trial = self.find_holder(|holder| holder.ticket.trial().is_some())?.ticket;
        self.machine.is_current(trial, &self.clock).then(|| trial.nested())
    }

    /// Returns `true` if this thread runs a call that holds a bulkhead slot of this circuit.
    #[inline]
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
        _ = HOLDERS.try_with(|holders| holders.remove(self.address()));
    }

    #[inline]
    fn find_holder(&self, accepts: impl Fn(&SlotHolder) -> bool) -> Option<SlotHolder> {
        let circuit = self.address();
        let find = |holders: &SlotHolders| {
            holders.iter().find(|holder| holder.circuit == circuit && accepts(holder))
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
        if HOLDERS.try_with(|holders| holders.push(holder)).is_ok() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(circuit: usize) -> SlotHolder {
        SlotHolder { circuit, ..SlotHolder::NONE }
    }

    fn circuits(holders: &SlotHolders) -> Vec<usize> {
        holders.iter().map(|holder| holder.circuit).collect()
    }

    #[test]
    fn the_list_needs_no_destructor_and_keeps_no_memory() {
        assert!(!std::mem::needs_drop::<SlotHolders>());
        let holders = SlotHolders::new();
        for _ in 0..3 {
            (1..=10).for_each(|circuit| holders.push(holder(circuit)));
            (1..=10).rev().for_each(|circuit| holders.remove(circuit));
            assert!(circuits(&holders).is_empty());
            assert_eq!(holders.further.borrow().capacity(), 0);
        }
    }

    #[test]
    fn the_innermost_call_of_a_circuit_is_removed_wherever_it_is() {
        let holders = SlotHolders::new();
        for circuit in [1, 2, 1, 3, 4, 1, 5] {
            holders.push(holder(circuit));
        }
        for (removed, left) in [
            (1, vec![5, 4, 3, 1, 2, 1]),
            (1, vec![5, 4, 3, 2, 1]),
            (9, vec![5, 4, 3, 2, 1]),
            (3, vec![5, 4, 2, 1]),
            (1, vec![5, 4, 2]),
            (5, vec![4, 2]),
        ] {
            holders.remove(removed);
            assert_eq!(circuits(&holders), left);
        }
    }
}
