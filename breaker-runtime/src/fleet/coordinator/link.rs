//! The connection to the store: whether it works, and when to try again.

use std::time::Duration;

use super::random::Random;
use crate::fleet::protocol::{MAX_REQUEST_TIME, REQUEST_TIME};
use crate::fleet::store::StoreErrorKind;

/// Number of failed exchanges in a row after which the store counts as away.
const TOLERATED_FAILURES: u32 = 3;

/// The longest random wait before the process connects again, so that a fleet does not connect all at once.
pub(super) const MAX_RETRY: Duration = Duration::from_secs(5);

/// The longest random wait before the first retry.
const FIRST_RETRY: Duration = Duration::from_millis(200);

/// The wait after the store refused this process, in ticks, and the longest one unless a tick is longer. Only an
/// operator can change that.
const REFUSED_TICKS: u32 = 30;
const REFUSED_RETRY: Duration = Duration::from_secs(30);

/// The state of the connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct StoreLink {
    /// `true` from the first reply until the store counts as away.
    is_up: bool,
    /// Failed exchanges in a row.
    failures: u32,
    /// The time for which the process waits for the next reply. Waiting for longer after a timeout lets a store or a
    /// process that is overloaded finish its work; otherwise all of it would be done again.
    patience: Duration,
}

/// A change of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkChange {
    None,
    Up,
    Down,
}

impl StoreLink {
    pub(super) const fn new() -> Self {
        Self { is_up: false, failures: 0, patience: REQUEST_TIME }
    }

    pub(super) const fn is_up(&self) -> bool {
        self.is_up
    }

    /// Returns how long to wait for the next reply.
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    /// Records a reply.
    pub(super) fn succeed(&mut self) -> LinkChange {
        self.failures = 0;
        self.patience = (self.patience * 15 / 16).max(REQUEST_TIME);
        if std::mem::replace(&mut self.is_up, true) { LinkChange::None } else { LinkChange::Up }
    }

    /// Records a failed exchange. The first failure of a process that has never been connected is reported as a loss.
    pub(super) fn fail(&mut self, kind: StoreErrorKind) -> LinkChange {
        if kind == StoreErrorKind::TimedOut {
            self.patience = (self.patience * 2).min(MAX_REQUEST_TIME);
        }
        let was_new = !self.is_up && self.failures == 0;
        self.failures = self.failures.saturating_add(1);
        let is_lost = self.is_up && self.failures >= TOLERATED_FAILURES;
        self.is_up &= !is_lost;
        if is_lost || was_new { LinkChange::Down } else { LinkChange::None }
    }

    /// Returns the wait before the next exchange after a failed one. It is longer in a fleet with a longer tick.
    pub(super) fn retry_wait(&self, kind: StoreErrorKind, tick: Duration, random: &mut Random) -> Duration {
        match kind {
            StoreErrorKind::Unauthenticated
            | StoreErrorKind::Forbidden
            | StoreErrorKind::Unsupported
            | StoreErrorKind::Tls
                if !self.is_up =>
            {
                tick.saturating_mul(REFUSED_TICKS).min(REFUSED_RETRY).max(tick)
            }
            StoreErrorKind::Unreachable
            | StoreErrorKind::TimedOut
            | StoreErrorKind::Unauthenticated
            | StoreErrorKind::Forbidden
            | StoreErrorKind::ReadOnly
            | StoreErrorKind::OutOfMemory
            | StoreErrorKind::Loading
            | StoreErrorKind::Unsupported
            | StoreErrorKind::Tls
            | StoreErrorKind::Malformed => {
                let longest = FIRST_RETRY.saturating_mul(1 << self.failures.min(10)).min(MAX_RETRY.max(tick));
                random.time_below(longest)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_double_the_patience_up_to_a_second_and_replies_shorten_it_again() {
        let mut link = StoreLink::new();
        assert_eq!(link.patience(), REQUEST_TIME);
        let after_timeout = [300, 600, 1000, 1000].map(Duration::from_millis);
        for expected in after_timeout {
            link.fail(StoreErrorKind::TimedOut);
            assert_eq!(link.patience(), expected);
        }
        link.fail(StoreErrorKind::Unreachable);
        assert_eq!(link.patience(), MAX_REQUEST_TIME, "other errors come at once");
        for expected in [937_500, 878_906].map(Duration::from_micros) {
            link.succeed();
            assert_eq!(link.patience().as_micros(), expected.as_micros());
        }
        for _ in 0..30 {
            link.succeed();
        }
        assert_eq!(link.patience(), REQUEST_TIME, "it takes about half a minute");
    }
}
