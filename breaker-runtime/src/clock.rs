//! The only door to time: a monotonic clock that cannot overflow.
//!
//! Wall-clock time never enters the library, so a clock that is set back or forward moves no
//! circuit. The durations of calls are read from a faster clock, the processor's counter where it is
//! steady. The end of time is [`Moment::NEVER`]: every sum saturates there, which makes
//! `Duration::MAX` a legal setting that means never.

#[cfg(feature = "test-util")]
pub(crate) mod hand;
#[cfg(all(feature = "test-util", feature = "tokio"))]
mod paused;
mod wait;

use std::time::Duration;

use once_cell::sync::Lazy;

pub(crate) use wait::{HAS_ASYNC_TIMER, Sleep, Timeout};

#[cfg(feature = "test-util")]
use std::sync::Arc;

/// A point on a breaker's clock, in nanoseconds since a start that nobody needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

/// Where a breaker reads the time: the system's monotonic clock, or a test's hand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    #[cfg(feature = "test-util")]
    hand: Option<Arc<hand::Hand>>,
}

impl Moment {
    pub(crate) const NEVER: Self = Self(u64::MAX);

    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub(crate) const fn nanos(self) -> u64 {
        self.0
    }

    pub(crate) fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(nanos_of(wait)))
    }

    /// How long from `earlier` until this moment; zero when it lies in the past.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// How long one has to wait for it; none for never.
    pub(crate) fn wait_from(self, now: Self) -> Option<Duration> {
        (self != Self::NEVER).then(|| self.since(now))
    }
}

#[cfg_attr(
    not(feature = "test-util"),
    expect(clippy::unused_self, reason = "only a test's clock differs from others")
)]
impl Clock {
    /// The clock for what is made here: the system's, or that of the test around it.
    pub(crate) fn here() -> Self {
        #[cfg(feature = "test-util")]
        return Self::of_test();
        #[cfg(not(feature = "test-util"))]
        Self::default()
    }

    #[inline]
    pub(crate) fn now(&self) -> Moment {
        #[cfg(feature = "test-util")]
        if let Some(moment) = self.tested() {
            return moment;
        }
        Moment(system::precise())
    }

    /// The time of a test: that of its hand, or of tokio's clock where it is paused.
    #[cfg(feature = "test-util")]
    fn tested(&self) -> Option<Moment> {
        self.hand.as_ref().map_or_else(paused::now, |hand| Some(hand.shows()))
    }

    /// The time for a thread that is blocked. It may hold up the very runtime whose time is paused, so it does
    /// not wait for that.
    fn now_while_blocked(&self) -> Moment {
        #[cfg(feature = "test-util")]
        if let Some(hand) = &self.hand {
            return hand.shows();
        }
        Moment(system::precise())
    }

    /// Whether `deadline` has come. Asks the coarse clock first, which costs a quarter of the precise
    /// one and is never ahead of it, and the precise one only close to the deadline.
    #[inline]
    pub(crate) fn has_reached(&self, deadline: Moment) -> bool {
        let coarse = self.coarse_now();
        if coarse >= deadline {
            return true;
        }
        deadline.since(coarse) <= system::COARSE_LAG && self.now() >= deadline
    }

    /// A stamp for the start of a call; never the largest.
    #[inline]
    pub(crate) fn start(&self) -> Start {
        #[cfg(feature = "test-util")]
        if let Some(Moment(nanos)) = self.tested() {
            return Start::tested(nanos);
        }
        Start(STOPWATCH.raw() & Start::LARGEST)
    }

    /// How many nanoseconds have passed since.
    #[inline]
    pub(crate) fn nanos_since(&self, start: Start) -> u64 {
        #[cfg(feature = "test-util")]
        if start.0 & Start::TESTED != 0 {
            let now = self.tested().map_or(start, |Moment(nanos)| Start::tested(nanos));
            return now.0.saturating_sub(start.0);
        }
        STOPWATCH.delta_as_nanos(start.0, STOPWATCH.raw() & Start::LARGEST)
    }

    /// Makes ready what `start` needs: the first time in a process this takes a millisecond or so, in
    /// which the processor's counter is held against the clock. Not while a call waits.
    pub(crate) fn prepare() {
        Lazy::force(&STOPWATCH);
    }

    /// The time, up to a tick ago.
    #[inline]
    pub(crate) fn coarse_now(&self) -> Moment {
        #[cfg(feature = "test-util")]
        if let Some(moment) = self.tested() {
            return moment;
        }
        Moment(system::coarse())
    }
}

/// When a call started, on the clock that is read for durations only.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start(u64);

impl Start {
    const LARGEST: u64 = u64::MAX >> 2;
    /// Of a call that began in the time of a test, which is not the stopwatch's. That comes so far in 24 years.
    #[cfg(feature = "test-util")]
    const TESTED: u64 = 1 << 61;

    #[cfg(feature = "test-util")]
    const fn tested(nanos: u64) -> Self {
        Self(Self::TESTED | (nanos & (Self::TESTED - 1)))
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// At most 62 bits.
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }
}

/// Without tokio nobody else pauses time.
#[cfg(all(feature = "test-util", not(feature = "tokio")))]
mod paused {
    use std::future::Pending;
    use std::pin::Pin;
    use std::time::Duration;

    pub(super) type Timer = Pin<Box<Pending<()>>>;

    #[derive(Debug)]
    pub(super) enum Since {}

    impl Since {
        pub(super) const fn now() -> Option<Self> {
            None
        }

        pub(super) const fn elapsed(&self) -> Option<Duration> {
            match *self {}
        }
    }

    pub(super) const fn now() -> Option<super::Moment> {
        None
    }

    pub(super) const fn timer(_: Duration) -> Option<Timer> {
        None
    }
}

static STOPWATCH: Lazy<quanta::Clock> = Lazy::new(quanta::Clock::new);

pub(crate) fn nanos_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use std::time::Duration;

    /// The coarse clock lags by a tick: 10 ms on the slowest kernels. Twice that, for late ticks.
    pub(super) const COARSE_LAG: Duration = Duration::from_millis(20);

    pub(super) fn precise() -> u64 {
        nanos(libc::CLOCK_MONOTONIC)
    }

    pub(super) fn coarse() -> u64 {
        nanos(libc::CLOCK_MONOTONIC_COARSE)
    }

    /// Returns the time since boot in nanoseconds; 584 years of it fit.
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
#[expect(clippy::disallowed_types, reason = "this is the door")]
mod system {
    use once_cell::sync::Lazy;
    use std::time::{Duration, Instant};

    pub(super) const COARSE_LAG: Duration = Duration::ZERO;

    static START: Lazy<Instant> = Lazy::new(Instant::now);
    /// So that there are moments before the start.
    const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

    pub(super) fn precise() -> u64 {
        super::nanos_of(A_DAY + START.elapsed())
    }

    pub(super) fn coarse() -> u64 {
        precise()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarse_clock_is_never_ahead_of_the_precise_one() {
        for _ in 0..10_000 {
            let coarse = system::coarse();
            assert!(coarse <= system::precise());
        }
    }

    #[test]
    fn a_sum_of_times_saturates_at_never() {
        let late = Moment(u64::MAX - 1);
        assert_eq!(late.after(Duration::from_nanos(1)), Moment::NEVER);
        assert_eq!(Moment(0).after(Duration::MAX), Moment::NEVER);
        assert_eq!(Moment::NEVER.after(Duration::MAX), Moment::NEVER);
    }

    #[cfg(feature = "test-util")]
    #[test]
    fn the_clock_never_shows_the_end_of_time() {
        let hand = Arc::new(hand::Hand::default());
        hand.advance(Duration::MAX);
        assert!(Clock::by_hand(hand).now() < Moment::NEVER);
    }

    #[test]
    fn a_deadline_is_reached_at_exactly_its_moment() {
        let clock = Clock::default();
        let now = clock.now();
        assert!(clock.has_reached(now));
        assert!(!clock.has_reached(now.after(Duration::from_secs(3600))));
        assert!(!clock.has_reached(Moment::NEVER));
    }
}
