//! A thread-local value that is set until a guard is dropped.

use std::cell::RefCell;
use std::thread::LocalKey;

/// A thread-local slot for a value.
pub(crate) type ThreadSlot<T> = LocalKey<RefCell<Option<T>>>;

/// A guard that restores the previous value of a slot when it is dropped.
#[must_use = "the slot is restored when the guard is dropped"]
pub(crate) struct ThreadSlotGuard<T: 'static> {
    slot: &'static ThreadSlot<T>,
    previous: Option<T>,
}

/// Returns the value of `slot` on this thread. Returns `None` while the thread destroys its local values.
pub(crate) fn current<T: Clone>(slot: &'static ThreadSlot<T>) -> Option<T> {
    slot.try_with(|current| current.borrow().clone()).ok().flatten()
}

impl<T> ThreadSlotGuard<T> {
    /// Sets the value of `slot` on this thread until the guard is dropped.
    pub(crate) fn set(slot: &'static ThreadSlot<T>, value: T) -> Self {
        let previous = slot.try_with(|current| current.replace(Some(value))).ok().flatten();
        Self { slot, previous }
    }
}

impl<T> Drop for ThreadSlotGuard<T> {
    fn drop(&mut self) {
        let previous = self.previous.take();
        // Dropped outside the borrow, because dropping the value may run user code that reads the slot.
        let value = self.slot.try_with(|current| current.replace(previous));
        drop(value);
    }
}
