//! The only door to atomics and locks: the standard library's, or loom's under `--cfg breaker_loom`.
//!
//! What threads race for is built from what this room hands out, so the loom tests run the shipped code
//! and not a copy of it, but for what loom cannot follow: what is made once is published by a twin of
//! `once_cell`'s `OnceBox`; thread numbers are not handed on when a thread ends; and the queue of the
//! bulkhead, the channel of events (tokio's) and the map of keys (papaya's) are their authors' to prove. Real
//! threads test those.

pub(crate) mod list;
pub(crate) mod striped;
pub(crate) mod thread_id;

#[cfg(not(breaker_loom))]
mod imp {
    pub(crate) use once_cell::race::OnceBox;
    pub(crate) use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};
    pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError};
}

#[cfg(breaker_loom)]
mod imp {
    pub(crate) use loom::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use std::sync::PoisonError;

    /// once_cell's, with the same compare-and-swap, in terms that loom can follow. What it holds is
    /// leaked with the run of the model.
    #[derive(Debug)]
    pub(crate) struct OnceBox<T: 'static> {
        chosen: AtomicU64,
        made: std::sync::Mutex<Vec<&'static T>>,
    }

    impl<T> OnceBox<T> {
        pub(crate) fn new() -> Self {
            Self { chosen: AtomicU64::new(0), made: std::sync::Mutex::default() }
        }

        pub(crate) fn get(&self) -> Option<&T> {
            let chosen = self.chosen.load(Ordering::Acquire).checked_sub(1)?;
            self.made().get(chosen as usize).copied()
        }

        pub(crate) fn get_or_init(&self, init: impl FnOnce() -> Box<T>) -> &T {
            self.made().push(Box::leak(init()));
            let mine = self.made().len() as u64;
            let chosen = self.chosen.compare_exchange(0, mine, Ordering::AcqRel, Ordering::Acquire);
            self.made()[chosen.map_or_else(|first| first, |_| mine) as usize - 1]
        }

        fn made(&self) -> std::sync::MutexGuard<'_, Vec<&'static T>> {
            self.made.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}

pub(crate) use imp::{AtomicU16, AtomicU32, AtomicU64, Mutex, MutexGuard, OnceBox, Ordering};

/// Locks, and goes on after a panic elsewhere: no user code runs under our locks and none of our
/// critical sections can stop half-way, so a poisoned lock still guards whole data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(imp::PoisonError::into_inner)
}
