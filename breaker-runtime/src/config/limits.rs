//! What a single call may take, and what the breaker may do to it.

use std::num::NonZeroU32;
use std::time::Duration;

/// How long a call may take, and how many may run at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) call_timeout: Option<Duration>,
    pub(crate) max_concurrent: Option<NonZeroU32>,
    pub(crate) max_wait: Duration,
}

/// Whether a circuit breaker interferes.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, Mode, Outcome, State};
///
/// let config = Config::builder().failure_threshold(1).mode(Mode::Shadow).build()?;
/// let breaker = CircuitBreaker::new("search", config)?;
/// breaker.try_acquire()?.settle(Outcome::Failure);
/// assert_eq!(breaker.state(), State::Open);
/// breaker.try_acquire()?.settle(Outcome::Success); // it goes through all the same
/// assert_eq!(breaker.snapshot().shadow_rejections, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// It rejects calls.
    #[default]
    Enforce,
    /// It counts, changes its state and reports, and lets every call through, also when an operator forces
    /// it open: the way to introduce a circuit breaker where people depend on a service.
    Shadow,
}
