//! The evidence that the calls of this process give about a dependency: whether it works, fails, or is hardly called.

use std::time::Duration;

use super::coordinator::Evidence;
use crate::config::Config;
use crate::snapshot::Snapshot;
use crate::totals::Totals;

/// The shortest time over which calls are compared. The longest is twice as long, while the circuit is looked at.
pub(super) const INTERVAL: Duration = Duration::from_secs(2);

/// The number of calls from which they are evidence.
const ENOUGH: u64 = 5;

/// The counts of a circuit at earlier moments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    at: Duration,
    counted: CallCounts,
    /// The counts before, so that there is always an interval to compare with.
    before: CallCounts,
}

#[derive(Clone, Copy, Debug, Default)]
struct CallCounts {
    successes: u64,
    failures: u64,
}

impl Sample {
    /// Creates the sample of a circuit whose earlier calls are not known to be recent.
    pub(super) fn new(now: Duration, totals: &Totals) -> Self {
        let counted = CallCounts::of(totals);
        Self { at: now, counted, before: counted }
    }

    /// Creates the sample of a circuit that did not exist before the last interval, so that all its calls are recent.
    pub(super) fn of_new(now: Duration, totals: &Totals) -> Self {
        Self { before: CallCounts::default(), ..Self::new(now, totals) }
    }

    /// Counts the calls so far, and moves the interval on.
    pub(super) fn update(&mut self, now: Duration, totals: &Totals) {
        if now.saturating_sub(self.at) >= INTERVAL {
            *self = Self { at: now, counted: CallCounts::of(totals), before: self.counted };
        }
    }

    /// Returns `true` if the calls were counted lately.
    pub(super) fn is_recent(&self, now: Duration) -> bool {
        now.saturating_sub(self.at) <= INTERVAL * 4
    }

    /// Returns the evidence of the last seconds, and moves the interval on.
    pub(super) fn evidence(&mut self, now: Duration, snapshot: &Snapshot, config: &Config) -> Evidence {
        let recent = CallCounts::of(&snapshot.totals).since(self.before);
        self.update(now, &snapshot.totals);
        if recent.successes + recent.failures < ENOUGH {
            return if snapshot.consecutive_failures > 0 { Evidence::Failing } else { Evidence::Unknown };
        }
        let is_near_a_threshold = snapshot
            .window
            .and_then(|window| window.failure_rate())
            .zip(config.failure_rate())
            .is_some_and(|(rate, threshold)| rate * 2.0 >= threshold);
        if recent.failures * 2 >= recent.successes + recent.failures {
            Evidence::Failing
        } else if recent.failures * 10 <= recent.successes
            && snapshot.consecutive_failures == 0
            && !is_near_a_threshold
        {
            Evidence::Healthy
        } else {
            Evidence::Unknown
        }
    }
}

impl CallCounts {
    fn of(totals: &Totals) -> Self {
        Self { successes: totals.successes, failures: totals.failed() }
    }

    fn since(self, earlier: Self) -> Self {
        Self {
            successes: self.successes.saturating_sub(earlier.successes),
            failures: self.failures.saturating_sub(earlier.failures),
        }
    }
}

#[cfg(all(test, not(breaker_loom)))]
mod tests {
    use std::time::Duration;

    use super::{Evidence, Sample};
    use crate::breaker::CircuitBreaker;
    use crate::config::{Config, Sharing};
    use crate::outcome::Outcome;
    use crate::totals::Totals;

    #[test]
    fn calls_that_a_drill_fails_and_timeouts_are_evidence_of_failure() {
        let config = Config::builder().failure_threshold(1000).build().unwrap();
        let mut snapshot = CircuitBreaker::new("payment", config.clone()).unwrap().snapshot();
        for (totals, expected) in [
            (Totals { successes: 100, ..Totals::default() }, Evidence::Healthy),
            (Totals { successes: 100, injected: 20, ..Totals::default() }, Evidence::Unknown),
            (Totals { successes: 100, injected: 50, timeouts: 50, ..Totals::default() }, Evidence::Failing),
            (Totals { injected: 5, ..Totals::default() }, Evidence::Failing),
        ] {
            snapshot.totals = totals;
            let mut sample = Sample::new(Duration::ZERO, &Totals::default());
            let evidence = sample.evidence(Duration::from_secs(1), &snapshot, &config);
            assert_eq!(format!("{evidence:?}"), format!("{expected:?}"), "{totals:?}");
        }
    }

    #[test]
    fn a_process_whose_last_call_failed_is_not_healthy_whatever_the_rules() {
        let rate = || Config::builder().failure_rate(0.9).minimum_calls(10);
        let windows = [rate().window_calls(100), rate().window_time(Duration::from_secs(60))];
        for rules in windows.into_iter().chain([Config::builder().failure_threshold(50)]) {
            let config = rules.shared(Sharing::First).build().unwrap();
            let breaker = CircuitBreaker::new("payment", config.clone()).unwrap();
            let evidence = |outcome| {
                (0..20).for_each(|_| _ = breaker.try_acquire().unwrap().settle(Outcome::Success));
                breaker.try_acquire().unwrap().settle(outcome);
                let mut sample = Sample::new(Duration::ZERO, &Totals::default());
                sample.evidence(Duration::from_secs(1), &breaker.snapshot(), &config)
            };
            let found = [Outcome::Success, Outcome::Failure, Outcome::Success].map(evidence);
            let expected = [Evidence::Healthy, Evidence::Unknown, Evidence::Healthy];
            assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{config:?}");
        }
    }
}
