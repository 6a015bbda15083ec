//! The clock of durations: the counter of the processor, which is calibrated once in a process.

pub(super) use imp::{nanos_between, prepare, read};

#[cfg(not(miri))]
mod imp {
    use once_cell::sync::Lazy;

    static STOPWATCH: Lazy<quanta::Clock> = Lazy::new(quanta::Clock::new);

    pub(crate) fn prepare() {
        Lazy::force(&STOPWATCH);
    }

    #[inline]
    pub(crate) fn read() -> u64 {
        STOPWATCH.raw()
    }

    #[inline]
    pub(crate) fn nanos_between(start: u64, end: u64) -> u64 {
        STOPWATCH.delta_as_nanos(start, end)
    }
}

/// Miri does not run the instruction that reads the counter.
#[cfg(miri)]
mod imp {
    use crate::clock::system;

    pub(crate) fn prepare() {}

    pub(crate) fn read() -> u64 {
        system::precise()
    }

    pub(crate) fn nanos_between(start: u64, end: u64) -> u64 {
        end.saturating_sub(start)
    }
}
