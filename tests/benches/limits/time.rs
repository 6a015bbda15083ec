//! The coarse clock, and what a time-based window does with its time.

use std::hint::black_box;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::counters::Counters;
use super::work::{repeat, work};

/// The clocks of the library, included because they are not public.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "../../../breaker-runtime/src/clock/system.rs"]
#[allow(dead_code, unused_imports, reason = "the code belongs to another crate")]
mod system;

/// Systems without a coarse clock read the precise one.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use std::sync::LazyLock;
    use std::time::Instant;

    pub(super) fn coarse() -> u64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The length of a slice of a window of 60 seconds, in nanoseconds.
const SLICE: u64 = 6_000_000_000;

pub(crate) fn coarse(calls: u64) {
    repeat(calls, |number| {
        _ = black_box(work(number));
        black_box(system::coarse());
    });
}

pub(crate) fn coarse_and_division(calls: u64) {
    // Windows have different lengths, so the compiler does not know the divisor.
    static LENGTH: AtomicU64 = AtomicU64::new(SLICE);
    repeat(calls, |number| {
        _ = black_box(work(number));
        black_box(system::coarse().checked_div(black_box(LENGTH.load(Ordering::Relaxed))));
    });
}

pub(crate) fn coarse_and_counter(calls: u64) {
    static COUNTERS: LazyLock<Counters> = LazyLock::new(Counters::new);
    static END: AtomicU64 = AtomicU64::new(u64::MAX);
    let counters = &*COUNTERS;
    repeat(calls, |number| {
        _ = black_box(work(number));
        if system::coarse() < END.load(Ordering::Relaxed) {
            counters.add();
        }
    });
}
