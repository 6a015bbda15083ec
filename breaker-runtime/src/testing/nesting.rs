//! The threads that run in a process scope, which cannot contain another one.

use std::cell::RefCell;

use crate::sync::thread_local::{self, ThreadSlotGuard};

thread_local! {
    /// Set while this thread runs code in a process scope.
    static IN_PROCESS_SCOPE: RefCell<Option<()>> = const { RefCell::new(None) };
}

/// Marks this thread as running in a process scope until the guard is dropped.
pub(super) fn mark_thread() -> ThreadSlotGuard<()> {
    ThreadSlotGuard::set(&IN_PROCESS_SCOPE, ())
}

/// Panics if this thread runs in a process scope: another one would wait for itself.
#[track_caller]
pub(super) fn reject_nested() {
    assert!(
        thread_local::current(&IN_PROCESS_SCOPE).is_none(),
        "a process scope cannot begin inside another one, for which it would wait forever; use the outer scope, or \
         testing::scope for a registry of its own on this thread"
    );
}
