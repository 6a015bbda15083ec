//! A point in time that cannot overflow.
//!
//! The end of time is [`Moment::NEVER`]. Every sum saturates at it, so a setting of `Duration::MAX` means
//! never.

use std::time::Duration;

/// A point on the clock of a breaker, in nanoseconds since an arbitrary start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(u64);

impl Moment {
    /// The end of time, which is never reached.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    #[inline]
    pub(crate) const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    #[inline]
    pub(crate) const fn nanos(self) -> u64 {
        self.0
    }

    /// Returns the moment `wait` after this one.
    pub(crate) fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(nanos_of(wait)))
    }

    /// Returns the moment `time` before this one, or the first moment.
    pub(crate) fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(nanos_of(time)))
    }

    /// Returns the time from `earlier` until this moment, or zero if `earlier` is later.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Returns `true` if this moment is later than `other` by more than `wait`.
    #[inline]
    pub(crate) fn is_later_by_more_than(self, wait: Duration, other: Self) -> bool {
        self.0.checked_sub(other.0).is_some_and(|nanos| nanos > nanos_of(wait))
    }

    /// Returns the time from `now` until this moment, or `None` for [`Moment::NEVER`].
    pub(crate) fn wait_from(self, now: Self) -> Option<Duration> {
        (self != Self::NEVER).then(|| self.since(now))
    }
}

/// Returns `duration` in nanoseconds, at most `u64::MAX`.
pub(crate) fn nanos_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_of_times_saturates_at_never() {
        let late = Moment(u64::MAX - 1);
        assert_eq!(late.after(Duration::from_nanos(1)), Moment::NEVER);
        assert_eq!(Moment(0).after(Duration::MAX), Moment::NEVER);
        assert_eq!(Moment::NEVER.after(Duration::MAX), Moment::NEVER);
    }
}
