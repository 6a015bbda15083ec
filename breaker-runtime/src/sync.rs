//! The atomics and locks of the crate, from the standard library or, under `--cfg breaker_loom`, from loom.
//!
//! All lock-free code is built on this module, so the loom tests run the shipped code. Loom cannot follow
//! three parts. An equivalent implementation below replaces `once_cell`'s `OnceBox`. Under loom, threads do
//! not return their numbers when they end. The channel of events (tokio's) and threads that block while they wait for
//! a slot are tested with real threads only.

pub(crate) mod barrier;
pub(crate) mod blocked_thread;
mod catch_panic;
mod caught_waker;
pub(crate) mod holds;
pub(crate) mod list;
#[cfg(all(test, target_os = "linux", not(breaker_loom), not(miri)))]
pub(crate) mod own_process;
pub(crate) mod process_count;
pub(crate) mod striped;
pub(crate) mod thread_id;
#[cfg(feature = "test-util")]
pub(crate) mod process_slot;
#[cfg(feature = "test-util")]
pub(crate) mod thread_local;
#[cfg(feature = "test-util")]
pub(crate) mod turn;

#[cfg(not(breaker_loom))]
mod imp {
    pub(crate) use foldhash::quality::RandomState as KeyHasher;
    pub(crate) use once_cell::race::OnceBox;
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
    pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
    pub(crate) use std::thread_local as per_thread;
}

#[cfg(breaker_loom)]
mod imp {
    // Each run of a model must do the same.
    pub(crate) use foldhash::quality::FixedState as KeyHasher;
    pub(crate) use loom::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use std::sync::{PoisonError, TryLockError};

    /// Loom's `thread_local`, with the syntax of the standard library for a constant value.
    macro_rules! per_thread {
        ($vis:vis static $name:ident: $type:ty = const { $init:expr };) => {
            loom::thread_local! {
                $vis static $name: $type = $init;
            }
        };
    }

    pub(crate) use per_thread;

    /// A replacement for once_cell's `OnceBox` with the same compare-and-swap, which loom can follow. It leaks its
    /// values.
    #[derive(Debug)]
    pub(crate) struct OnceBox<T: 'static> {
        chosen: AtomicU64,
        candidates: std::sync::Mutex<Vec<&'static T>>,
    }

    impl<T> OnceBox<T> {
        pub(crate) fn new() -> Self {
            Self { chosen: AtomicU64::new(0), candidates: std::sync::Mutex::default() }
        }

        pub(crate) fn get(&self) -> Option<&T> {
            let chosen = self.chosen.load(Ordering::Acquire).checked_sub(1)?;
            self.candidates().get(chosen as usize).copied()
        }

        pub(crate) fn get_or_init(&self, init: impl FnOnce() -> Box<T>) -> &T {
            self.candidates().push(Box::leak(init()));
            let own = self.candidates().len() as u64;
            let chosen = self.chosen.compare_exchange(0, own, Ordering::AcqRel, Ordering::Acquire);
            self.candidates()[chosen.map_or_else(|first| first, |_| own) as usize - 1]
        }

        fn candidates(&self) -> std::sync::MutexGuard<'_, Vec<&'static T>> {
            self.candidates.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}

pub(crate) use catch_panic::catch_panic;
pub(crate) use caught_waker::caught_waker;
#[allow(unused_imports, reason = "only the feature `queue` uses it")]
pub(crate) use caught_waker::with_caught_waker;
pub(crate) use imp::{
    AtomicBool, AtomicPtr, AtomicU16, AtomicU32, AtomicU64, AtomicUsize, KeyHasher, Mutex, MutexGuard,
    OnceBox, Ordering, fence, per_thread,
};

/// `true` if the processes of a fleet can share a circuit.
pub(crate) const HAS_FLEET: bool = cfg!(feature = "redis");

/// `true` under loom. Limits that tests cannot reach in a few steps are low there.
pub(crate) const IS_MODEL: bool = cfg!(breaker_loom);

/// Locks `mutex`, even if it is poisoned. No user code runs while a lock is held and no critical section can
/// panic, so the data of a poisoned lock is consistent.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(imp::PoisonError::into_inner)
}

/// Locks `mutex` unless another thread holds it.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(imp::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(imp::TryLockError::WouldBlock) => None,
    }
}
