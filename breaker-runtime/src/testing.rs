//! For the tests of those who use breakers: time that only the test moves.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{self, hand::Hand};

/// A clock that stands still until a test advances it. Clones show the same time.
///
/// ```
/// use std::time::Duration;
/// use breaker_runtime::{Config, Outcome, Registry, State, testing::Clock};
///
/// let clock = Clock::new();
/// let config = Config::builder().failure_threshold(1).build()?;
/// let breaker = Registry::with_clock(&clock).register("search", config)?;
///
/// breaker.try_acquire()?.settle(Outcome::Failure);
/// assert!(breaker.try_acquire().is_err());
///
/// clock.advance(Duration::from_secs(30));
/// assert!(breaker.try_acquire()?.is_trial());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock {
    hand: Arc<Hand>,
}

impl Clock {
    /// A clock that shows its start.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the time forward. It stops at the end of time, 584 years away.
    pub fn advance(&self, step: Duration) {
        self.hand.advance(step);
    }

    pub(crate) fn for_breakers(&self) -> clock::Clock {
        clock::Clock::by_hand(Arc::clone(&self.hand))
    }
}
