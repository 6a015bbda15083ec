//! The time of breakers, from monotonic clocks only.
//!
//! Setting the system's wall clock affects no circuit. The library reads that clock only where a server states a date,
//! in the header `Retry-After` (feature `http`). The duration of a call is read from a faster clock: the counter of the
//! processor, where it runs at a steady rate. With the feature `test-util`, a breaker can read a clock that a test
//! advances instead.

#[cfg(feature = "test-util")]
pub(crate) mod mock;
mod moment;
#[cfg(all(feature = "test-util", not(feature = "tokio")))]
mod never_paused;
#[cfg(all(feature = "test-util", feature = "tokio"))]
mod paused;
mod stopwatch;
mod system;
mod wait;

#[cfg(feature = "http")]
#[expect(clippy::disallowed_types, reason = "only the clock module reads the system's time")]
use std::time::SystemTime;

pub(crate) use moment::{Moment, nanos_of};
#[cfg(any(feature = "axum", feature = "redis"))]
pub(crate) use wait::Timeout;
pub(crate) use wait::{BlockedTime, HAS_ASYNC_TIMER, Sleep};

#[cfg(all(feature = "test-util", not(feature = "tokio")))]
use never_paused as paused;
#[cfg(feature = "test-util")]
use std::sync::Arc;

/// The clock of a breaker: the system's monotonic clock, or a clock that a test advances.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    #[cfg(feature = "test-util")]
    mock: Option<Arc<mock::MockTime>>,
}

/// The start of a call, on the clock of durations. That clock and the one of [`Moment`] run apart by some microseconds
/// per second, so a start and a moment cannot tell which of two calls began first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start(u64);

#[cfg_attr(
    not(feature = "test-util"),
    expect(clippy::unused_self, reason = "only the clock of a test differs from others")
)]
impl Clock {
    /// Returns the clock for new breakers of this thread: the clock of the current test scope, or the
    /// system's.
    pub(crate) fn here() -> Self {
        #[cfg(feature = "test-util")]
        return Self { mock: mock::current() };
        #[cfg(not(feature = "test-util"))]
        Self::default()
    }

    /// Returns a clock that shows the time of `clock`.
    #[cfg(feature = "test-util")]
    pub(crate) fn mocked(clock: &mock::MockClock) -> Self {
        Self { mock: Some(Arc::clone(clock.time())) }
    }

    /// Returns the current time.
    #[inline]
    pub(crate) fn now(&self) -> Moment {
        #[cfg(feature = "test-util")]
        if let Some(moment) = self.test_now() {
            return moment;
        }
        Moment::from_nanos(system::precise())
    }

    /// Returns the time of a test: that of the mock clock, or of tokio's clock while it is paused.
    #[cfg(feature = "test-util")]
    fn test_now(&self) -> Option<Moment> {
        self.mock.as_ref().map_or_else(paused::now, |mock| Some(mock.now()))
    }

    /// Returns the wall-clock time. That of a test is later than the system's by the time by which the test has
    /// advanced its clock.
    #[cfg(feature = "http")]
    #[expect(clippy::disallowed_types, reason = "only the clock module reads the system's time")]
    pub(crate) fn wall_time(&self) -> SystemTime {
        let wall_time = SystemTime::now();
        #[cfg(feature = "test-util")]
        if let Some(now) = self.test_now() {
            // tokio's paused clock is on the scale of the system's monotonic clock, a mock clock begins at zero.
            let start = if self.mock.is_some() { 0 } else { system::precise() };
            let advanced = now.since(Moment::from_nanos(start));
            return wall_time.checked_add(advanced).unwrap_or(wall_time);
        }
        wall_time
    }

    /// Returns `true` if the moment that `read` returns is not reached, and is further away than the coarse clock lags.
    /// The clock is read first.
    #[inline]
    pub(crate) fn is_clearly_before(&self, read: impl FnOnce() -> Moment) -> bool {
        let coarse = self.coarse_now();
        read().is_later_by_more_than(system::COARSE_LAG, coarse)
    }

    /// Returns `true` if `deadline` is reached. The coarse clock is cheaper and never ahead of the precise one, so
    /// the precise one is read only close to the deadline.
    #[inline]
    pub(crate) fn has_reached(&self, deadline: Moment) -> bool {
        let coarse = self.coarse_now();
        if coarse >= deadline {
            return true;
        }
        deadline.since(coarse) <= system::COARSE_LAG && self.now() >= deadline
    }

    /// Returns the start of a call that begins now.
    #[inline]
    pub(crate) fn start(&self) -> Start {
        #[cfg(feature = "test-util")]
        if let Some(moment) = self.test_now() {
            return Start::mock(moment);
        }
        Start(stopwatch::read() & Start::MAX)
    }

    /// Returns the nanoseconds since `start`.
    #[inline]
    pub(crate) fn nanos_since(&self, start: Start) -> u64 {
        #[cfg(feature = "test-util")]
        if start.0 & Start::MOCK != 0 {
            let now = self.test_now().map_or(start, Start::mock);
            // The bits overflow after four and a half years.
            return now.0.wrapping_sub(start.0) & (Start::MOCK - 1);
        }
        stopwatch::nanos_between(start.0, stopwatch::read() & Start::MAX)
    }

    /// Returns a random number of at least 0 and less than 1. The numbers of a test's clock are the same in each run.
    ///
    /// Unlike `fastrand::f64`, it does not panic in a thread that has destroyed its thread-local values.
    pub(crate) fn draw(&self) -> f64 {
        #[cfg(feature = "test-util")]
        if let Some(mock) = &self.mock {
            return mock.draw();
        }
        fastrand::Rng::new().f64()
    }

    /// Initializes the clock that `start` reads. The first time in a process this takes about a millisecond to
    /// calibrate the counter of the processor, so it is not done during a call.
    pub(crate) fn prepare() {
        stopwatch::prepare();
    }

    /// Returns the current time, or an earlier one by at most [`system::COARSE_LAG`].
    #[inline]
    pub(crate) fn coarse_now(&self) -> Moment {
        #[cfg(feature = "test-util")]
        if let Some(moment) = self.test_now() {
            return moment;
        }
        Moment::from_nanos(system::coarse())
    }
}

impl Start {
    /// The largest start as bits. The counter of the processor exceeds it after three years.
    pub(crate) const MAX: u64 = u64::MAX >> 6;
    /// The bit of a start that was read from the clock of a test. The counter of the processor sets it after
    /// one and a half years.
    #[cfg(feature = "test-util")]
    const MOCK: u64 = 1 << 57;

    #[cfg(feature = "test-util")]
    const fn mock(moment: Moment) -> Self {
        Self(Self::MOCK | (moment.nanos() & (Self::MOCK - 1)))
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Returns the start that is later by the time from `from` to `until`, or this one if these are not readings of
    /// its clock.
    pub(crate) const fn later_by(self, from: Self, until: Self) -> Self {
        // The highest bit tells apart the clocks.
        let value = Self::MAX >> 1;
        if (self.0 ^ from.0 | self.0 ^ until.0) & !value != 0 {
            return self;
        }
        Self(self.0 & !value | self.0.wrapping_add(until.0).wrapping_sub(from.0) & value)
    }

    /// Returns `true` if this start is before `other`, or `None` if these are not readings of one clock.
    pub(crate) const fn is_before(self, other: Self) -> Option<bool> {
        // The highest bit tells apart the clocks.
        let value = Self::MAX >> 1;
        if (self.0 ^ other.0) & !value != 0 {
            return None;
        }
        Some(self.0.wrapping_sub(other.0) & value > value / 2)
    }

    /// Returns the start as at most 58 bits.
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_deadline_is_reached_at_exactly_its_moment() {
        let clock = Clock::default();
        let now = clock.now();
        assert!(clock.has_reached(now));
        assert!(!clock.has_reached(now.after(Duration::from_secs(3600))));
        assert!(!clock.has_reached(Moment::NEVER));
    }
}
