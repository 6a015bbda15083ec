//! A number for the whole process that is read with one load. It is not part of the loom tests, whose atomics
//! cannot be in a static.

use std::sync::atomic::{AtomicU32, Ordering};

/// A number of values that exist in the process.
#[derive(Debug)]
pub(crate) struct ProcessCount(AtomicU32);

/// One counted value, until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted(&'static ProcessCount);

impl ProcessCount {
    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    /// Counts one value.
    pub(crate) fn count(&'static self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self)
    }

    /// Returns `true` if no value exists.
    #[inline]
    pub(crate) fn is_zero(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::ProcessCount;

    #[test]
    fn values_are_counted_until_they_are_dropped() {
        static COUNT: ProcessCount = ProcessCount::new();
        assert!(COUNT.is_zero());
        let counted = [COUNT.count(), COUNT.count()];
        assert!(!COUNT.is_zero());
        drop(counted);
        assert!(COUNT.is_zero());
    }
}
