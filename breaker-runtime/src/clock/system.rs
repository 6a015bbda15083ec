//! The monotonic clocks of the operating system: a precise one, and a coarse one that is cheaper to read.

pub(super) use imp::{COARSE_LAG, coarse, precise};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use std::time::Duration;

    /// Maximum lag of the coarse clock. It lags by one tick, which is 10 ms on the slowest kernels; a tick
    /// may be late by one more.
    pub(crate) const COARSE_LAG: Duration = Duration::from_millis(20);

    pub(crate) fn precise() -> u64 {
        nanos(libc::CLOCK_MONOTONIC)
    }

    pub(crate) fn coarse() -> u64 {
        nanos(libc::CLOCK_MONOTONIC_COARSE)
    }

    /// Returns the time since boot in nanoseconds, which overflows after 584 years.
    #[expect(
        clippy::cast_sign_loss,
        reason = "an i32 or an i64, depending on the target, and never negative"
    )]
    #[expect(unsafe_code, reason = "the safe wrappers are slower or bring more crates")]
    fn nanos(clock: libc::clockid_t) -> u64 {
        let mut time = libc::timespec::default();
        // SAFETY: the pointer is valid for the write of a `timespec`. Both clocks exist since Linux 2.6.32, so the
        // call does not fail; if it did, `time` would stay zero.
        unsafe { libc::clock_gettime(clock, &raw mut time) };
        (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[expect(clippy::disallowed_types, reason = "only the clock module reads the system's time")]
mod imp {
    use once_cell::sync::Lazy;
    use std::time::{Duration, Instant};

    use crate::clock::moment::nanos_of;

    pub(crate) const COARSE_LAG: Duration = Duration::ZERO;

    static START: Lazy<Instant> = Lazy::new(Instant::now);
    /// The time at the start, so that moments before the start exist.
    const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

    pub(crate) fn precise() -> u64 {
        nanos_of(A_DAY + START.elapsed())
    }

    pub(crate) fn coarse() -> u64 {
        precise()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarse_clock_is_never_ahead_of_the_precise_one() {
        for _ in 0..10_000 {
            let coarse = coarse();
            assert!(coarse <= precise());
        }
    }
}
