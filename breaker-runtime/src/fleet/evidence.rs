//! What the calls of this process say about a dependency: whether it works, fails, or is hardly called.

use std::time::Duration;

use super::coordinator::Evidence;
use crate::config::Config;
use crate::snapshot::Snapshot;

/// The shortest time over which calls are compared. The longest is twice as long, while the circuit is looked at.
const INTERVAL: Duration = Duration::from_secs(2);

/// The number of calls from which they are evidence.
const ENOUGH: u64 = 5;

/// The counts of a circuit at earlier moments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    at: Duration,
    counted: Counted,
    /// The counts before, so that there is always an interval to compare with.
    before: Counted,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    successes: u64,
    failures: u64,
}

impl Sample {
    pub(super) fn new(now: Duration, snapshot: &Snapshot) -> Self {
        let counted = Counted::of(snapshot);
        Self { at: now, counted, before: counted }
    }

    /// Returns the evidence of the last seconds, and moves the interval on.
    pub(super) fn evidence(&mut self, now: Duration, snapshot: &Snapshot, config: &Config) -> Evidence {
        let counted = Counted::of(snapshot);
        let recent = counted.since(self.before);
        if now.saturating_sub(self.at) >= INTERVAL {
            *self = Self { at: now, counted, before: self.counted };
        }
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

impl Counted {
    fn of(snapshot: &Snapshot) -> Self {
        let totals = snapshot.totals;
        Self { successes: totals.successes, failures: totals.failures + totals.timeouts }
    }

    fn since(self, earlier: Self) -> Self {
        Self {
            successes: self.successes.saturating_sub(earlier.successes),
            failures: self.failures.saturating_sub(earlier.failures),
        }
    }
}
