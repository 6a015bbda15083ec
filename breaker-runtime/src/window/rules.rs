//! The rules that open a circuit, as pure functions of counts. They are evaluated after a failure or a slow
//! call. A value equal to its threshold opens the circuit.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use super::counts::{WindowCounts, ratio};
use crate::printable::Counted;

/// The rules of one circuit. A rule that is `None` never opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Threshold of consecutive failures.
    pub(crate) consecutive: Option<NonZeroU32>,
    /// Threshold of failures within the window.
    pub(crate) failures: Option<NonZeroU32>,
    pub(crate) failure_rate: Option<Rate>,
    pub(crate) slow_call_rate: Option<Rate>,
    /// Minimum number of calls in the window before a rate is evaluated.
    pub(crate) minimum_calls: NonZeroU32,
}

/// A rate above zero and at most one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate(f64);

/// The rule that opened a circuit, with the counts at that moment.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, Outcome, TripReason};
///
/// let breaker = CircuitBreaker::new("search", Config::builder().failure_threshold(2).build()?)?;
/// breaker.try_acquire()?.settle(Outcome::Failure);
/// breaker.try_acquire()?.settle(Outcome::Failure);
///
/// let opened = breaker.snapshot().last_transition.unwrap();
/// assert_eq!(opened.trip, Some(TripReason::ConsecutiveFailures { failures: 2, limit: 2 }));
/// assert_eq!(opened.trip.unwrap().to_string(), "2 failures in a row (limit 2)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum TripReason {
    /// Too many consecutive failures.
    ConsecutiveFailures {
        /// Number of consecutive failures.
        failures: u32,
        /// Threshold: [`consecutive_failures`](crate::ConfigBuilder::consecutive_failures), or
        /// [`failure_threshold`](crate::ConfigBuilder::failure_threshold) without a window.
        limit: u32,
    },
    /// Too many failures within the window.
    FailuresInWindow {
        /// Number of failures in the window.
        failures: u64,
        /// Number of calls in the window.
        calls: u64,
        /// Threshold: [`failure_threshold`](crate::ConfigBuilder::failure_threshold).
        limit: u32,
    },
    /// Too high a rate of failures within the window.
    FailureRate {
        /// Number of failures in the window.
        failures: u64,
        /// Number of calls in the window.
        calls: u64,
        /// Threshold: [`failure_rate`](crate::ConfigBuilder::failure_rate).
        limit: f64,
    },
    /// Too high a rate of slow calls within the window.
    SlowCallRate {
        /// Number of slow calls in the window.
        slow: u64,
        /// Number of calls in the window.
        calls: u64,
        /// Threshold: [`slow_call_rate`](crate::ConfigBuilder::slow_call_rate).
        limit: f64,
    },
    /// A running call that has not ended in time.
    HangingCall {
        /// The time that a call may run: [`hang`](crate::ConfigBuilder::hang).
        limit: Duration,
    },
}

/// Returns the reason to open after this many consecutive failures, if the threshold is reached.
pub(crate) fn trip_by_run(threshold: Option<NonZeroU32>, failures: u32) -> Option<TripReason> {
    let limit = threshold?.get();
    (failures >= limit).then_some(TripReason::ConsecutiveFailures { failures, limit })
}

impl Rules {
    /// Returns the reason to open with these counts in the window, if a threshold is reached.
    pub(crate) fn trip_by_window(&self, counts: WindowCounts) -> Option<TripReason> {
        let WindowCounts { calls, failures, slow } = counts;
        if let Some(limit) = self.failures.map(NonZeroU32::get)
            && failures >= u64::from(limit)
        {
            return Some(TripReason::FailuresInWindow { failures, calls, limit });
        }
        if calls < u64::from(self.minimum_calls.get()) {
            return None;
        }
        if let Some(rate) = self.failure_rate
            && rate.is_reached(failures, calls)
        {
            return Some(TripReason::FailureRate { failures, calls, limit: rate.get() });
        }
        let rate = self.slow_call_rate?;
        rate.is_reached(slow, calls).then_some(TripReason::SlowCallRate { slow, calls, limit: rate.get() })
    }

    /// Returns `true` if these failures and slow calls reach a threshold with the most favorable number of
    /// successes. More successes only lower a rate, so that number is the smallest that `minimum_calls`
    /// allows.
    pub(crate) fn may_trip(&self, faults: WindowCounts) -> bool {
        let calls = faults.calls.max(u64::from(self.minimum_calls.get()));
        self.trip_by_window(WindowCounts { calls, ..faults }).is_some()
    }
}

impl Rate {
    pub(crate) const HALF: Self = Self(0.5);

    pub(crate) const fn new(rate: f64) -> Option<Self> {
        if rate > 0.0 && rate <= 1.0 { Some(Self(rate)) } else { None }
    }

    pub(crate) const fn get(self) -> f64 {
        self.0
    }

    /// Returns `true` if `part` of `whole` reaches the rate. Divides instead of multiplying, because
    /// 3.0 / 10.0 equals the literal 0.3.
    fn is_reached(self, part: u64, whole: u64) -> bool {
        ratio(part, whole).is_some_and(|ratio| ratio >= self.0)
    }
}

// A rate cannot be NaN.
impl Eq for Rate {}

impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl TripReason {
    /// Writes the counts without the limit.
    pub(crate) fn write_counts(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConsecutiveFailures { failures, .. } => {
                write!(out, "{} in a row", Counted((*failures).into(), "failure"))
            }
            Self::FailuresInWindow { failures, calls, .. } => {
                write!(out, "{} among {}", Counted(*failures, "failure"), Counted(*calls, "call"))
            }
            Self::FailureRate { failures, calls, .. } => {
                write!(out, "{failures} of {} failed", Counted(*calls, "call"))
            }
            Self::SlowCallRate { slow, calls, .. } => {
                let verb = if *slow == 1 { "was" } else { "were" };
                write!(out, "{slow} of {} {verb} slow", Counted(*calls, "call"))
            }
            Self::HangingCall { limit } => write!(out, "a call has been running for more than {limit:?}"),
        }
    }
}

/// Displays the counts and the limit.
impl fmt::Display for TripReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_counts(out)?;
        match self {
            Self::ConsecutiveFailures { limit, .. } | Self::FailuresInWindow { limit, .. } => {
                write!(out, " (limit {limit})")
            }
            Self::FailureRate { limit, .. } | Self::SlowCallRate { limit, .. } => {
                write!(out, " (limit {limit})")
            }
            // The limit is the only number.
            Self::HangingCall { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules {
            consecutive: NonZeroU32::new(5),
            failures: NonZeroU32::new(4),
            failure_rate: Rate::new(0.3),
            slow_call_rate: Rate::new(1.0),
            minimum_calls: NonZeroU32::new(10).expect("ten is not zero"),
        }
    }

    fn counts(calls: u64, failures: u64, slow: u64) -> WindowCounts {
        WindowCounts { calls, failures, slow }
    }

    #[test]
    fn a_run_trips_at_its_threshold_and_not_before() {
        let five = NonZeroU32::new(5);
        assert_eq!(trip_by_run(five, 4), None);
        assert_eq!(trip_by_run(five, 5), Some(TripReason::ConsecutiveFailures { failures: 5, limit: 5 }));
        assert!(trip_by_run(five, 6).is_some());
        assert_eq!(trip_by_run(None, u32::MAX), None);
    }

    #[test]
    fn a_rate_equal_to_its_threshold_trips() {
        let rates = Rules { failures: None, ..rules() };
        assert_eq!(rates.trip_by_window(counts(10, 2, 0)), None);
        assert_eq!(
            rates.trip_by_window(counts(10, 3, 0)),
            Some(TripReason::FailureRate { failures: 3, calls: 10, limit: 0.3 })
        );
        assert_eq!(rates.trip_by_window(counts(10, 0, 9)), None);
        assert_eq!(
            rates.trip_by_window(counts(10, 0, 10)),
            Some(TripReason::SlowCallRate { slow: 10, calls: 10, limit: 1.0 })
        );
    }

    #[test]
    fn minimum_calls_delays_rates_and_nothing_else() {
        assert_eq!(rules().trip_by_window(counts(9, 3, 9)), None);
        assert_eq!(
            rules().trip_by_window(counts(4, 4, 0)),
            Some(TripReason::FailuresInWindow { failures: 4, calls: 4, limit: 4 })
        );
    }

    #[test]
    fn faults_that_trip_with_some_number_of_successes_may_trip() {
        for (failures, successes) in (0..6).flat_map(|failures| (0..20).map(move |more| (failures, more))) {
            let faults = counts(failures, failures, 0);
            let all = counts(failures + successes, failures, 0);
            assert!(
                rules().trip_by_window(all).is_none() || rules().may_trip(faults),
                "{failures} failures, {successes} successes"
            );
        }
        assert!(!rules().may_trip(counts(2, 2, 0)));
        assert!(rules().may_trip(counts(3, 3, 0)));
    }
}
