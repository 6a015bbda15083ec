//! The only door to atomics and locks: the standard library's, or loom's under `--cfg breaker_loom`.
//!
//! Everything that threads share is built from what this room hands out, so the loom tests run the
//! shipped code and not a copy of it.

pub(crate) mod thread_id;

#[cfg(not(breaker_loom))]
#[expect(clippy::disallowed_types, reason = "this is the door")]
mod imp {
    pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
}

#[cfg(breaker_loom)]
#[expect(clippy::disallowed_types, reason = "this is the door")]
mod imp {
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use std::sync::PoisonError;
}

pub(crate) use imp::{AtomicU32, AtomicU64, Mutex, MutexGuard, Ordering};

/// Locks, and goes on after a panic elsewhere: no user code runs under our locks and none of our
/// critical sections can stop half-way, so a poisoned lock still guards whole data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(imp::PoisonError::into_inner)
}
