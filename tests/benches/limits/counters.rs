//! Counters and locks: those of one thread, and those that all threads write.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use super::work::{repeat, work, work_or_fail};

/// A counter of one thread, in cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Counter(AtomicU64);

/// The counters of a value. The thread with number `n` writes the one at `n`.
pub(crate) struct Counters([Counter; COUNTERS]);

const COUNTERS: usize = 64;

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }

    /// Adds one to the counter of this thread, without a locked instruction.
    #[inline]
    pub(crate) fn add(&self) {
        let counter = self.0.get(NUMBER.get()).or_else(|| self.first_of_thread());
        if let Some(Counter(counter)) = counter {
            counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Release);
        }
    }

    #[cold]
    fn first_of_thread(&self) -> Option<&Counter> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        // The threads of a bench that run at the same time differ.
        NUMBER.set(THREADS.fetch_add(1, Ordering::Relaxed) % COUNTERS);
        self.0.get(NUMBER.get())
    }
}

pub(crate) fn own_counter(calls: u64) {
    static COUNTERS: LazyLock<Counters> = LazyLock::new(Counters::new);
    let counters = &*COUNTERS;
    repeat(calls, |number| {
        _ = black_box(work(number));
        counters.add();
    });
}

pub(crate) fn own_counter_and_lock<const PERIOD: u64>(calls: u64) {
    static COUNTERS: LazyLock<Counters> = LazyLock::new(Counters::new);
    static LOCKED: Mutex<u64> = Mutex::new(0);
    let counters = &*COUNTERS;
    repeat(calls, |number| match black_box(work_or_fail(PERIOD, number)) {
        Ok(_) => counters.add(),
        Err(_) => *LOCKED.lock().unwrap_or_else(PoisonError::into_inner) += 1,
    });
}

pub(crate) fn one_shared_write_in<const PERIOD: u64>(calls: u64) {
    static SHARED: AtomicU64 = AtomicU64::new(0);
    repeat(calls, |number| {
        if black_box(work_or_fail(PERIOD, number)).is_err() {
            SHARED.fetch_add(1, Ordering::Relaxed);
        }
    });
}

/// Counts failures in a row exactly. Each call reads the word when it is admitted, as its circuit may be open, and each
/// success reads whether there are failures to clear.
pub(crate) fn shared_run<const PERIOD: u64>(calls: u64) {
    static RUN: AtomicU64 = AtomicU64::new(0);
    repeat(calls, |number| {
        if RUN.load(Ordering::Acquire) == u64::MAX {
            return;
        }
        if black_box(work_or_fail(PERIOD, number)).is_err() {
            RUN.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let run = RUN.load(Ordering::Relaxed);
        if run != 0 {
            // If another thread has changed the run, it has either cleared it or failed after this call.
            _ = RUN.compare_exchange(run, 0, Ordering::Relaxed, Ordering::Relaxed);
        }
    });
}

/// Counts the calls that run, as a bulkhead does.
pub(crate) fn two_shared_writes(calls: u64) {
    static RUNNING: AtomicU64 = AtomicU64::new(0);
    repeat(calls, |number| {
        RUNNING.fetch_add(1, Ordering::Acquire);
        _ = black_box(work(number));
        RUNNING.fetch_sub(1, Ordering::Release);
    });
}
