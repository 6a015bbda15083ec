//! The counts of a window, and the rates they amount to.

use super::share;

/// Calls in a window, by result.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, Outcome};
///
/// let config = Config::builder().window_calls(100).failure_rate(0.5).build()?;
/// let breaker = CircuitBreaker::new("search", config)?;
/// assert_eq!(breaker.snapshot().window.unwrap().failure_rate(), None);
///
/// for outcome in [Outcome::Success, Outcome::Success, Outcome::Success, Outcome::Failure] {
///     breaker.try_acquire()?.settle(outcome);
/// }
/// let window = breaker.snapshot().window.unwrap();
/// assert_eq!((window.calls, window.failures, window.slow), (4, 1, 0));
/// assert_eq!(window.failure_rate(), Some(0.25));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowCounts {
    /// Calls that succeeded or failed.
    pub calls: u64,
    /// Failed calls.
    pub failures: u64,
    /// Slow calls, both successful and failed.
    pub slow: u64,
}

impl WindowCounts {
    pub(crate) fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.failures += other.failures;
        self.slow += other.slow;
    }

    /// Returns the share of the calls that failed, from 0 to 1; `None` for an empty window.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        share(self.failures, self.calls)
    }

    /// Returns the share of the calls that were slow, from 0 to 1; `None` for an empty window.
    #[must_use]
    pub fn slow_call_rate(&self) -> Option<f64> {
        share(self.slow, self.calls)
    }
}
