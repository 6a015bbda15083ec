//! Which counts are reason to open. Pure: it is told the numbers and keeps none.
//!
//! Rules are asked when a failure or a slow call was recorded, and equal is always enough.

use std::fmt;
use std::num::NonZeroU32;

use super::Counts;

/// The rules of one circuit; none of a kind means that this kind never opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// In a row.
    pub(crate) consecutive: Option<NonZeroU32>,
    /// Within the window.
    pub(crate) failures: Option<NonZeroU32>,
    pub(crate) failure_rate: Option<Rate>,
    pub(crate) slow_call_rate: Option<Rate>,
    /// Holds back the rates, nothing else.
    pub(crate) minimum_calls: NonZeroU32,
}

/// A share above zero, up to one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate(f64);

/// The rule that opened a circuit, with its figures.
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
    /// So many failures in a row.
    ConsecutiveFailures {
        /// How many there were.
        failures: u32,
        /// How many are enough.
        limit: u32,
    },
    /// So many failures within the window.
    FailuresInWindow {
        /// How many there were.
        failures: u64,
        /// Among so many calls.
        calls: u64,
        /// How many are enough.
        limit: u32,
    },
    /// A share of failures within the window.
    FailureRate {
        /// How many there were.
        failures: u64,
        /// Among so many calls.
        calls: u64,
        /// Which share is enough.
        limit: f64,
    },
    /// A share of slow calls within the window.
    SlowCallRate {
        /// How many there were.
        slow: u64,
        /// Among so many calls.
        calls: u64,
        /// Which share is enough.
        limit: f64,
    },
}

impl Rules {
    /// Whether this run of failures is reason to open.
    pub(crate) fn met_by_run(&self, failures: u32) -> Option<TripReason> {
        let limit = self.consecutive?.get();
        (failures >= limit).then_some(TripReason::ConsecutiveFailures { failures, limit })
    }

    /// Whether what the window holds is reason to open.
    pub(crate) fn met_by(&self, counts: Counts) -> Option<TripReason> {
        let Counts { calls, failures, slow } = counts;
        if let Some(limit) = self.failures.map(NonZeroU32::get)
            && failures >= u64::from(limit)
        {
            return Some(TripReason::FailuresInWindow { failures, calls, limit });
        }
        if calls < u64::from(self.minimum_calls.get()) {
            return None;
        }
        if let Some(rate) = self.failure_rate
            && rate.is_met(failures, calls)
        {
            return Some(TripReason::FailureRate { failures, calls, limit: rate.get() });
        }
        let rate = self.slow_call_rate?;
        rate.is_met(slow, calls).then_some(TripReason::SlowCallRate { slow, calls, limit: rate.get() })
    }

    /// Whether these could be reason to open if `calls` were whatever it takes. More successes only lower
    /// a rate, so the fewest calls that `minimum_calls` allows decide.
    pub(crate) fn may_be_met(&self, bad_ones: Counts) -> bool {
        let calls = bad_ones.calls.max(u64::from(self.minimum_calls.get()));
        self.met_by(Counts { calls, ..bad_ones }).is_some()
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

    /// Divides rather than multiplies: 3.0 / 10.0 is the very number that one writes as 0.3.
    fn is_met(self, some: u64, all: u64) -> bool {
        share(some, all).is_some_and(|share| share >= self.0)
    }
}

// It is never NaN.
impl Eq for Rate {}

impl PartialEq for Rate {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

/// None of nothing is no share.
#[expect(clippy::cast_precision_loss, reason = "no window holds 2^53 calls")]
pub(crate) fn share(some: u64, all: u64) -> Option<f64> {
    (all > 0).then(|| some as f64 / all as f64)
}

impl fmt::Display for TripReason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConsecutiveFailures { failures, limit } => {
                let noun = if *failures == 1 { "failure" } else { "failures" };
                write!(out, "{failures} {noun} in a row (limit {limit})")
            }
            Self::FailuresInWindow { failures, calls, limit } => {
                write!(out, "{failures} failures among {calls} calls (limit {limit})")
            }
            Self::FailureRate { failures, calls, limit } => {
                write!(out, "{failures} of {calls} calls failed (limit {limit})")
            }
            Self::SlowCallRate { slow, calls, limit } => {
                write!(out, "{slow} of {calls} calls were slow (limit {limit})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let number = |number| NonZeroU32::new(number);
        Rules {
            consecutive: number(5),
            failures: number(4),
            failure_rate: Rate::new(0.3),
            slow_call_rate: Rate::new(1.0),
            minimum_calls: NonZeroU32::new(10).expect("ten is not zero"),
        }
    }

    fn counts(calls: u64, failures: u64, slow: u64) -> Counts {
        Counts { calls, failures, slow }
    }

    #[test]
    fn the_fifth_failure_of_five_is_enough_and_the_fourth_is_not() {
        assert_eq!(rules().met_by_run(4), None);
        assert_eq!(rules().met_by_run(5), Some(TripReason::ConsecutiveFailures { failures: 5, limit: 5 }));
        assert!(rules().met_by_run(6).is_some());
        assert_eq!(Rules { consecutive: None, ..rules() }.met_by_run(u32::MAX), None);
    }

    #[test]
    fn a_rate_equal_to_its_limit_is_enough() {
        let rates = Rules { failures: None, ..rules() };
        assert_eq!(rates.met_by(counts(10, 2, 0)), None);
        assert_eq!(
            rates.met_by(counts(10, 3, 0)),
            Some(TripReason::FailureRate { failures: 3, calls: 10, limit: 0.3 })
        );
        assert_eq!(rates.met_by(counts(10, 0, 9)), None);
        assert_eq!(
            rates.met_by(counts(10, 0, 10)),
            Some(TripReason::SlowCallRate { slow: 10, calls: 10, limit: 1.0 })
        );
    }

    #[test]
    fn minimum_calls_holds_back_rates_and_nothing_else() {
        assert_eq!(rules().met_by(counts(9, 3, 9)), None);
        assert_eq!(
            rules().met_by(counts(4, 4, 0)),
            Some(TripReason::FailuresInWindow { failures: 4, calls: 4, limit: 4 })
        );
    }

    #[test]
    fn what_may_be_met_is_never_less_than_what_is() {
        for (bad, successes) in (0..6).flat_map(|bad| (0..20).map(move |successes| (bad, successes))) {
            let bad_ones = counts(bad, bad, 0);
            let all = counts(bad + successes, bad, 0);
            assert!(rules().met_by(all).is_none() || rules().may_be_met(bad_ones), "{bad} {successes}");
        }
        assert!(!rules().may_be_met(counts(2, 2, 0)));
        assert!(rules().may_be_met(counts(3, 3, 0)));
    }
}
