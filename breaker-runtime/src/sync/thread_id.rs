//! A small number for each live thread, which determines the cell of that thread.
//!
//! Numbers start at 1, and a new thread gets the smallest free number. A thread returns its number when it ends,
//! so two live threads never have the same number. The lock around the free numbers makes the writes of the
//! previous holder visible to the next one.

/// The number of a thread that may own no cell because its thread-local values are being destroyed.
pub(crate) const NONE: u32 = u32::MAX;

pub(crate) use imp::{current, current_if_any};

#[cfg(not(breaker_loom))]
mod imp {
    use std::cell::Cell;
    use std::collections::BTreeSet;

    use super::NONE;
    use crate::sync::{Mutex, lock};

    const UNASSIGNED: u32 = 0;

    thread_local! {
        // No destructor, so that reading it is one load that cannot fail.
        static ID: Cell<u32> = const { Cell::new(UNASSIGNED) };
        static RETURN: ReturnAtExit = const { ReturnAtExit };
    }

    static POOL: Mutex<Pool> = Mutex::new(Pool { used: 0, free: BTreeSet::new() });

    struct Pool {
        used: u32,
        free: BTreeSet<u32>,
    }

    struct ReturnAtExit;

    /// Returns the number of this thread, or one that no thread has. This is one load.
    #[inline]
    pub(crate) fn current_if_any() -> u32 {
        ID.get()
    }

    /// Returns the number of this thread, or [`NONE`]. Assigns a number on the first call.
    #[inline]
    pub(crate) fn current() -> u32 {
        match ID.get() {
            UNASSIGNED => assign(),
            id => id,
        }
    }

    #[cold]
    fn assign() -> u32 {
        let id = match RETURN.try_with(|_| ()) {
            Ok(()) => lock(&POOL).take(),
            Err(_) => NONE,
        };
        ID.set(id);
        id
    }

    impl Pool {
        fn take(&mut self) -> u32 {
            self.free.pop_first().unwrap_or_else(|| {
                self.used += 1;
                self.used
            })
        }
    }

    impl Drop for ReturnAtExit {
        fn drop(&mut self) {
            let id = ID.replace(NONE);
            lock(&POOL).free.insert(id);
        }
    }
}

#[cfg(breaker_loom)]
mod imp {
    use crate::sync::{AtomicU32, Ordering};

    loom::lazy_static! {
        static ref USED: AtomicU32 = AtomicU32::new(0);
    }

    loom::thread_local! {
        static ID: u32 = USED.fetch_add(1, Ordering::Relaxed) + 1;
    }

    pub(crate) use current as current_if_any;

    /// Returns the number of this thread in this run of the model.
    pub(crate) fn current() -> u32 {
        ID.with(|id| *id)
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use super::current;

    #[test]
    fn a_thread_returns_its_number_when_it_ends() {
        const THREADS: u32 = if cfg!(miri) { 50 } else { 1000 };
        let numbers = (0..THREADS).map(|_| std::thread::scope(|scope| scope.spawn(current).join()));
        let largest = numbers.map(|number| number.expect("the thread does not panic")).max();
        // Other tests of this binary hold a few numbers at the same time.
        assert!(largest < Some(THREADS / 2), "{largest:?}");
    }
}
