//! The calls that this thread runs and that hold a slot: a trial slot or a bulkhead slot.
//!
//! A call inside a call of the same circuit runs in the slot of the outer call. If it needed a slot of its
//! own, trial calls would reject each other, and a bulkhead would wait for itself. A call that a ramp admitted
//! is in this list too, so that calls inside it are admitted with it. Other calls that hold no slot are not, so
//! a closed circuit without `max_concurrent` does not use it.
//!
//! A sync call is in scope from its admission until it is settled. An async call, a stream and the future of a service
//! are in scope while they are polled. Tasks of an executor that the call drives on this thread are in its scope too,
//! because finding out the task of each call would cost every call with a slot. A permit is never in this list: its
//! owner may settle it on another thread.
//!
//! Most threads run at most one such call, and most such calls hold only a bulkhead slot. In this case the call is not
//! in the list but is stored as one address, until another call enters.
//!
//! The list needs no destructor, so it also works while the thread destroys its thread-local values.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::sync::Arc;

use super::admission::Call;
use super::circuit::Circuit;
use super::owned_permit::OwnedCall;
use super::stamp::Stamp;
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
    /// The address of the circuit of the only call, if that call holds a bulkhead slot and no trial slot.
    /// [`NO_CALL`] if there is no call, and [`LISTED`] if the calls are in the list.
    only: Cell<usize>,
    count: Cell<usize>,
    first: [Cell<SlotHolder>; INLINE],
    /// The calls after the first ones. Its memory is freed when the last of them is removed, so that the thread
    /// ends without any.
    further: ManuallyDrop<RefCell<Vec<SlotHolder>>>,
}

/// Number of calls that need no allocation: circuits with slots whose calls contain each other.
const INLINE: usize = 4;

// Circuits have other addresses.
const NO_CALL: usize = 0;
const LISTED: usize = 1;

per_thread! {
    static HOLDERS: SlotHolders = const { SlotHolders::new() };
}

impl SlotHolder {
    const NONE: Self = Self { circuit: 0, ticket: Ticket::SHADOW, is_in_bulkhead: false };

    /// Returns a call that holds a bulkhead slot and no trial slot.
    const fn in_bulkhead(circuit: usize) -> Self {
        Self { circuit, is_in_bulkhead: true, ..Self::NONE }
    }
}

impl SlotHolders {
    const fn new() -> Self {
        Self {
            only: Cell::new(NO_CALL),
            count: Cell::new(0),
            first: [const { Cell::new(SlotHolder::NONE) }; INLINE],
            further: ManuallyDrop::new(RefCell::new(Vec::new())),
        }
    }

    /// Adds a call.
    fn push(&self, holder: SlotHolder) {
        match self.only.replace(LISTED) {
            NO_CALL | LISTED => {}
            circuit => self.list(SlotHolder::in_bulkhead(circuit)),
        }
        self.list(holder);
    }

    fn list(&self, holder: SlotHolder) {
        let count = self.count.get();
        match self.first.get(count) {
            Some(cell) => cell.set(holder),
            None => self.further.borrow_mut().push(holder),
        }
        self.count.set(count + 1);
    }

    /// Removes the call, if it is the only one and holds only a bulkhead slot of this circuit.
    #[inline]
    fn remove_only(&self, circuit: usize) -> bool {
        let is_only = self.only.get() == circuit;
        if is_only {
            self.only.set(NO_CALL);
        }
        is_only
    }

    /// Removes the innermost call of this circuit.
    fn remove(&self, circuit: usize) {
        if self.remove_only(circuit) {
            return;
        }
        let Some(last) = self.count.get().checked_sub(1) else {
            return;
        };
        match self.first.get(last) {
            Some(cell) if cell.get().circuit == circuit => self.count.set(last),
            Some(_) | None => self.remove_rarely(circuit),
        }
        if self.count.get() == 0 {
            self.only.set(NO_CALL);
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
                self.list(holder);
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
        let listed = (0..self.count.get()).rev().filter_map(|index| match self.first.get(index) {
            Some(cell) => Some(cell.get()),
            None => self.further.borrow().get(index - INLINE).copied(),
        });
        let only = match self.only.get() {
            NO_CALL | LISTED => None,
            circuit => Some(SlotHolder::in_bulkhead(circuit)),
        };
        only.into_iter().chain(listed)
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

    /// Returns `true` if a call that this thread makes would be admitted now. Inside a call that holds a slot, it runs
    /// in that slot.
    pub(super) fn would_admit_here(&self) -> bool {
        self.would_admit()
            || self.nested_ticket().is_some()
            || (self.is_in_bulkhead() && self.state_would_admit())
    }

    /// Returns `true` if this thread runs a call of this circuit that is in scope.
    pub(super) fn is_inside_call(&self) -> bool {
        self.find_holder(|_| true).is_some()
    }

    /// Puts a call into the scope of this thread, if no other call is in it and `acquire` acquires the bulkhead slot of
    /// the call. The call holds no trial slot. Returns `true` if the call is in scope.
    #[inline]
    pub(super) fn enter_as_only_call(&self, acquire: impl FnOnce() -> bool) -> bool {
        let enter = |holders: &SlotHolders| {
            let enters = holders.only.get() == NO_CALL && acquire();
            if enters {
                holders.only.set(self.address());
            }
            enters
        };
        HOLDERS.try_with(enter).unwrap_or(false)
    }

    /// Removes a call from the scope of this thread, if it is the only one there and holds no trial slot. Returns
    /// `true` if it was removed.
    #[inline]
    pub(super) fn leave_as_only_call(&self) -> bool {
        HOLDERS.try_with(|holders| holders.remove_only(self.address())).unwrap_or(false)
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

/// Keeps a call in the scope of this thread until it is dropped.
pub(super) struct CallScope<'a>(Call<'a>);

impl<'a> CallScope<'a> {
    pub(super) fn enter(mut call: Call<'a>) -> Self {
        call.enter_scope();
        Self(call)
    }
}

impl Drop for CallScope<'_> {
    fn drop(&mut self) {
        self.0.suspend_scope();
    }
}

impl OwnedCall {
    /// Returns a call with these data, if it holds a slot in which calls inside it run.
    #[allow(dead_code, reason = "only integrations have calls that own their circuit")]
    pub(super) fn with_slot(circuit: &Arc<Circuit>, ticket: Ticket, stamp: Stamp) -> Option<Self> {
        let holds_slot = stamp.enters_scope() || ticket.trial().is_some();
        holds_slot.then(|| Self { circuit: Arc::clone(circuit), ticket, stamp })
    }

    /// Puts the call into the scope of this thread, until the result is dropped.
    #[allow(dead_code, reason = "only integrations have calls that own their circuit")]
    pub(super) fn enter_scope(&self) -> CallScope<'_> {
        CallScope::enter(Call { circuit: &self.circuit, ticket: self.ticket, stamp: self.stamp })
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

    /// Notifies listeners, or runs other user code, with a call that is not in scope yet: if it holds a slot, calls of
    /// the user code run in that slot. The user code does not panic.
    pub(super) fn run_in_scope<T>(&mut self, user_code: impl FnOnce() -> T) -> T {
        if self.stamp.enters_scope() && !self.stamp.is_in_scope() {
            self.enter_scope();
            let output = user_code();
            self.suspend_scope();
            output
        } else {
            user_code()
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
            (11..=20).for_each(|circuit| holders.push(holder(circuit)));
            (11..=20).rev().for_each(|circuit| holders.remove(circuit));
            assert!(circuits(&holders).is_empty());
            assert_eq!(holders.only.get(), NO_CALL);
            assert_eq!(holders.further.borrow().capacity(), 0);
        }
    }

    #[test]
    fn the_innermost_call_of_a_circuit_is_removed_wherever_it_is() {
        let holders = SlotHolders::new();
        for circuit in [11, 12, 11, 13, 14, 11, 15] {
            holders.push(holder(circuit));
        }
        for (removed, left) in [
            (11, vec![15, 14, 13, 11, 12, 11]),
            (11, vec![15, 14, 13, 12, 11]),
            (19, vec![15, 14, 13, 12, 11]),
            (13, vec![15, 14, 12, 11]),
            (11, vec![15, 14, 12]),
            (15, vec![14, 12]),
        ] {
            holders.remove(removed);
            assert_eq!(circuits(&holders), left);
        }
    }

    #[test]
    fn the_only_call_is_not_listed_until_another_one_enters() {
        let holders = SlotHolders::new();
        holders.only.set(11);
        assert_eq!(circuits(&holders), [11]);
        holders.push(holder(12));
        assert_eq!((holders.only.get(), circuits(&holders)), (LISTED, vec![12, 11]));
        assert!(!holders.remove_only(11) && !holders.remove_only(12));
        holders.remove(11);
        assert_eq!((holders.only.get(), circuits(&holders)), (LISTED, vec![12]));
        holders.remove(12);
        assert_eq!((holders.only.get(), circuits(&holders)), (NO_CALL, vec![]));
        holders.only.set(11);
        holders.remove(12);
        assert_eq!(circuits(&holders), [11]);
        assert!(holders.remove_only(11) && circuits(&holders).is_empty());
    }
}
