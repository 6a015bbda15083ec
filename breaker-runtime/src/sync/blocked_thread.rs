//! A thread that blocks itself until its waker is woken.
//!
//! It waits on a lock and a condition variable of the standard library, which are not part of the loom tests. It does
//! not park, because the token of `std::thread::park` belongs to the code of the thread.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Wake, Waker};
use std::time::Duration;

/// The current thread, and the waker that ends its wait.
pub(crate) struct BlockedThread {
    signal: Arc<Signal>,
    waker: Waker,
}

/// The signal that the waker sends to the thread.
#[derive(Default)]
struct Signal {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl BlockedThread {
    pub(crate) fn new() -> Self {
        let signal = Arc::new(Signal::default());
        Self { waker: Waker::from(Arc::clone(&signal)), signal }
    }

    pub(crate) const fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Blocks this thread until the waker has been woken since the last call, for at most `wait`.
    pub(crate) fn block(&self, wait: Option<Duration>) {
        let Signal { is_set, changed } = &*self.signal;
        let is_set = is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let mut is_set = match wait {
            None => changed.wait_while(is_set, |is_set| !*is_set).unwrap_or_else(PoisonError::into_inner),
            Some(wait) => {
                let waited = changed.wait_timeout_while(is_set, wait, |is_set| !*is_set);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        *is_set = false;
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_was_woken_before_it_blocks_does_not_wait() {
        let thread = BlockedThread::new();
        thread.waker().wake_by_ref();
        thread.block(None);
        thread.block(Some(Duration::ZERO));
    }
}
