//! The counts of a candidate over all its circuits.

use crate::breaker::PlayedCall;
use crate::outcome::Outcome;
use crate::sync::{AtomicU64, Ordering};

/// The calls that a candidate has seen, by its decision and their outcome.
#[derive(Debug, Default)]
pub(super) struct Tally {
    admitted: ByOutcome,
    rejected: ByOutcome,
    unseen: AtomicU64,
}

#[derive(Debug, Default)]
struct ByOutcome {
    successes: AtomicU64,
    failures: AtomicU64,
    ignored: AtomicU64,
}

/// The counts of one decision at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OutcomeCounts {
    pub(super) successes: u64,
    pub(super) failures: u64,
    pub(super) ignored: u64,
}

impl Tally {
    pub(super) fn add(&self, decision: PlayedCall, outcome: Outcome) {
        let counts = match decision {
            PlayedCall::Admitted => &self.admitted,
            PlayedCall::Rejected => &self.rejected,
        };
        let count = match outcome {
            Outcome::Success => &counts.successes,
            Outcome::Failure => &counts.failures,
            Outcome::Ignored => &counts.ignored,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_unseen(&self) {
        self.unseen.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn unseen(&self) -> u64 {
        self.unseen.load(Ordering::Relaxed)
    }

    pub(super) fn admitted(&self) -> OutcomeCounts {
        self.admitted.read()
    }

    pub(super) fn rejected(&self) -> OutcomeCounts {
        self.rejected.read()
    }
}

impl ByOutcome {
    fn read(&self) -> OutcomeCounts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        OutcomeCounts {
            successes: read(&self.successes),
            failures: read(&self.failures),
            ignored: read(&self.ignored),
        }
    }
}

impl OutcomeCounts {
    pub(super) const fn sum(self) -> u64 {
        self.successes + self.failures + self.ignored
    }
}
