//! The settings for the recovery of an open circuit.

use std::num::NonZeroU32;
use std::time::Duration;

/// The recovery settings of one circuit.
#[expect(clippy::struct_field_names, reason = "the fields have the names of the public settings")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recovery {
    pub(crate) recovery_timeout: Duration,
    pub(crate) backoff: Factor,
    pub(crate) max_recovery_timeout: Duration,
    pub(crate) jitter: Share,
    pub(crate) half_open_max_calls: NonZeroU32,
    pub(crate) success_threshold: NonZeroU32,
    pub(crate) half_open_timeout: Duration,
    /// The time over which the circuit closes gradually; `None` if it closes at once.
    pub(crate) ramp: Option<Duration>,
}

/// The longest lease that late successes lead to, unless `half_open_timeout` is longer: a call of an hour ends
/// within it.
const MAX_GROWN_LEASE: Duration = Duration::from_nanos(60 * 60 * 1_000_000_000 + 1);

/// The number of doublings after which a lease of a nanosecond is longer than an hour.
const MAX_DOUBLINGS: u32 = 42;

/// A finite number of at least one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor(f64);

/// A number from zero to one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share(f64);

impl Recovery {
    /// Returns how long the circuit stays open after this many reopenings. `draw` is a random number from
    /// zero to one.
    pub(super) fn open_for(&self, reopenings: u32, draw: f64) -> Duration {
        let grown = self.recovery_timeout.as_secs_f64() * self.backoff.0.powf(f64::from(reopenings));
        let whole = if reopenings == 0 || self.backoff.0 <= 1.0 {
            self.recovery_timeout
        } else {
            // A product that exceeds the range of a duration also exceeds the maximum.
            Duration::try_from_secs_f64(grown)
                .map_or(self.max_recovery_timeout, |grown| grown.min(self.max_recovery_timeout))
        };
        if self.jitter.0 <= 0.0 || whole == Duration::MAX {
            return whole;
        }
        // Rounding near the largest duration may exceed its range, and the smallest part must not be zero.
        Duration::try_from_secs_f64(whole.as_secs_f64() * (1.0 - self.jitter.0 * draw))
            .map_or(whole, |part| part.clamp(Duration::from_nanos(1), whole))
    }
}

impl Recovery {
    /// Returns how long the circuit stays open if the failure that opened it had this hint. Jitter has been
    /// applied to `open_for` and does not shorten the hint.
    pub(super) fn extended_by(&self, hint: Option<Duration>, open_for: Duration) -> Duration {
        hint.map_or(open_for, |hint| hint.min(self.max_recovery_timeout).max(open_for))
    }

    /// Returns the lease of a trial call after it has been doubled this many times.
    pub(super) fn lease(&self, doublings: u32) -> Duration {
        let nanos =
            self.half_open_timeout.as_nanos().min(MAX_GROWN_LEASE.as_nanos()) << doublings.min(MAX_DOUBLINGS);
        let grown = u64::try_from(nanos).map_or(MAX_GROWN_LEASE, Duration::from_nanos);
        grown.min(MAX_GROWN_LEASE).max(self.half_open_timeout)
    }

    /// Returns how often the lease must have been doubled to be longer than a call that ran for `ran`. It
    /// stops at the longest lease.
    pub(super) fn doublings_for(&self, ran: Duration) -> u32 {
        let is_enough = |&doublings: &u32| {
            let lease = self.lease(doublings);
            lease > ran || lease >= MAX_GROWN_LEASE
        };
        (0..MAX_DOUBLINGS).find(is_enough).unwrap_or(MAX_DOUBLINGS)
    }
}

impl Factor {
    pub(crate) const ONE: Self = Self(1.0);

    pub(crate) const fn new(factor: f64) -> Option<Self> {
        if factor >= 1.0 && factor.is_finite() { Some(Self(factor)) } else { None }
    }

    pub(crate) const fn get(self) -> f64 {
        self.0
    }
}

impl Share {
    pub(crate) const NONE: Self = Self(0.0);

    pub(crate) const fn new(share: f64) -> Option<Self> {
        if share >= 0.0 && share <= 1.0 { Some(Self(share)) } else { None }
    }

    pub(crate) const fn get(self) -> f64 {
        self.0
    }
}

// Neither can be NaN.
impl Eq for Factor {}
impl Eq for Share {}

impl PartialEq for Factor {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl PartialEq for Share {
    fn eq(&self, other: &Self) -> bool {
        // Minus zero equals zero.
        (self.0 + 0.0).to_bits() == (other.0 + 0.0).to_bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recovery(seconds: u64, backoff: f64, max: Duration, jitter: f64) -> Recovery {
        Recovery {
            recovery_timeout: Duration::from_secs(seconds),
            backoff: Factor::new(backoff).expect("in range"),
            max_recovery_timeout: max,
            jitter: Share::new(jitter).expect("in range"),
            half_open_max_calls: NonZeroU32::MIN,
            success_threshold: NonZeroU32::MIN,
            half_open_timeout: Duration::MAX,
            ramp: None,
        }
    }

    #[test]
    fn the_open_time_grows_by_the_factor_up_to_its_maximum() {
        let recovery = recovery(10, 2.0, Duration::from_secs(60), 0.0);
        let waits = [0, 1, 2, 3, 1000, u32::MAX].map(|times| recovery.open_for(times, 0.5).as_secs());
        assert_eq!(waits, [10, 20, 40, 60, 60, 60]);
    }

    #[test]
    fn jitter_shortens_by_at_most_its_share_and_never_to_zero() {
        let fifth = recovery(10, 1.0, Duration::MAX, 0.2);
        assert_eq!(fifth.open_for(0, 0.0), Duration::from_secs(10));
        assert_eq!(fifth.open_for(0, 1.0), Duration::from_secs(8));
        let all = recovery(10, 3.0, Duration::MAX, 1.0);
        assert_eq!(all.open_for(0, 1.0), Duration::from_nanos(1));
        assert_eq!(all.open_for(1, 0.5), Duration::from_secs(15));
    }

    #[test]
    fn a_hint_extends_the_open_time_up_to_the_maximum_and_never_shortens_it() {
        let recovery = recovery(10, 1.0, Duration::from_secs(60), 0.5);
        let extended = |hint| recovery.extended_by(Some(Duration::from_secs(hint)), Duration::from_secs(8));
        assert_eq!([0, 7, 9, 60, 61, u64::MAX].map(|hint| extended(hint).as_secs()), [8, 8, 9, 60, 60, 60]);
        assert_eq!(recovery.extended_by(None, Duration::from_secs(8)), Duration::from_secs(8));
        assert_eq!(recovery.extended_by(Some(Duration::MAX), Duration::MAX), Duration::MAX);
    }

    #[test]
    fn an_open_time_of_never_stays_never() {
        let mut never = recovery(1, 2.0, Duration::MAX, 0.5);
        assert_eq!(never.open_for(100_000, 0.5), Duration::MAX);
        never.recovery_timeout = Duration::MAX;
        assert_eq!([never.open_for(0, 1.0), never.open_for(7, 1.0)], [Duration::MAX; 2]);
    }

    #[test]
    fn a_lease_doubles_until_it_exceeds_the_call_and_stops_at_an_hour() {
        let thirty =
            Recovery { half_open_timeout: Duration::from_secs(30), ..recovery(30, 1.0, Duration::MAX, 0.0) };
        let lease = |ran| thirty.lease(thirty.doublings_for(Duration::from_secs(ran))).as_secs();
        assert_eq!([29, 30, 31, 60, 3000, 3600, 1_000_000].map(lease), [30, 60, 60, 120, 3600, 3600, 3600]);
        let tiny = Recovery { half_open_timeout: Duration::from_nanos(1), ..thirty };
        assert_eq!(tiny.lease(tiny.doublings_for(Duration::MAX)), MAX_GROWN_LEASE);
        assert_eq!(tiny.lease(tiny.doublings_for(Duration::from_secs(3))), Duration::from_nanos(1 << 32));
        let day = Recovery { half_open_timeout: Duration::from_hours(24), ..thirty };
        assert_eq!(day.lease(day.doublings_for(Duration::MAX)), Duration::from_hours(24));
        let never = Recovery { half_open_timeout: Duration::MAX, ..thirty };
        assert_eq!(never.lease(MAX_DOUBLINGS), Duration::MAX);
    }

    #[test]
    fn values_out_of_range_are_rejected() {
        assert!([f64::NAN, f64::INFINITY, 0.999, -1.0].into_iter().all(|n| Factor::new(n).is_none()));
        assert!([f64::NAN, f64::INFINITY, 1.001, -0.001].into_iter().all(|n| Share::new(n).is_none()));
        assert_eq!(Share::new(-0.0), Share::new(0.0));
        assert_eq!(Share::new(0.0), Share::new(-0.0));
    }
}
