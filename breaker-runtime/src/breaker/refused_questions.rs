//! The questions whether a call would be admitted that a shared circuit has answered with no. They show its fleet a
//! demand for trial calls, as rejected calls do.

use crate::sync::{AtomicU64, Ordering};

/// Counts questions, once their number has been read. A circuit that no fleet looks at counts none.
#[derive(Default)]
pub(super) struct RefusedQuestions(
    /// One more than the number of questions; 0 before it is read.
    AtomicU64,
);

impl RefusedQuestions {
    /// Returns the number of questions, and counts them from now on.
    #[allow(dead_code, reason = "only the feature `redis` shows a demand for trial calls")]
    pub(super) fn watch(&self) -> u64 {
        _ = self.0.compare_exchange(0, 1, Ordering::Relaxed, Ordering::Relaxed);
        self.read()
    }

    pub(super) fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed).saturating_sub(1)
    }

    pub(super) fn add(&self) {
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}
