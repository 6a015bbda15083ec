//! A value for the whole process that is set until a guard is dropped. Only tests use it, so its atomic and its lock
//! are those of the standard library.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A slot for a value of the process.
#[derive(Debug)]
pub(crate) struct ProcessSlot<T> {
    /// Lets readers skip the lock while the slot is empty.
    is_set: AtomicBool,
    value: Mutex<Option<T>>,
}

/// A guard that empties a slot when it is dropped.
#[must_use = "the slot is emptied when the guard is dropped"]
pub(crate) struct ProcessSlotGuard<T: 'static> {
    slot: &'static ProcessSlot<T>,
}

impl<T> ProcessSlot<T> {
    pub(crate) const fn new() -> Self {
        Self { is_set: AtomicBool::new(false), value: Mutex::new(None) }
    }

    /// Returns the value.
    pub(crate) fn current(&self) -> Option<T>
    where
        T: Clone,
    {
        if !self.is_set.load(Ordering::Acquire) {
            return None;
        }
        self.lock().clone()
    }

    /// Sets the value until the guard is dropped. The caller makes sure that the slot is empty.
    pub(crate) fn set(&'static self, value: T) -> ProcessSlotGuard<T> {
        *self.lock() = Some(value);
        self.is_set.store(true, Ordering::Release);
        ProcessSlotGuard { slot: self }
    }

    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Drop for ProcessSlotGuard<T> {
    fn drop(&mut self) {
        self.slot.is_set.store(false, Ordering::Release);
        // Dropped without the lock, because dropping the value may run user code that reads the slot.
        let value = self.slot.lock().take();
        drop(value);
    }
}
