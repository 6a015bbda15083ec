//! The contents of a window, as numbers.

use std::ops::AddAssign;

use crate::outcome::Completion;

/// The calls in a window. A slow failure counts as a failure and as a slow call.
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
    /// Calls that failed.
    pub failures: u64,
    /// Calls that were slow, whether they succeeded or failed.
    pub slow: u64,
}

impl WindowCounts {
    /// Returns the counts of a single call.
    pub(super) fn of(completion: Completion) -> Self {
        Self { calls: 1, failures: completion.is_failure().into(), slow: completion.is_slow.into() }
    }

    /// Returns the share of calls that failed, from 0 to 1, or `None` if there are no calls.
    #[must_use]
    pub fn failure_rate(&self) -> Option<f64> {
        ratio(self.failures, self.calls)
    }

    /// Returns the share of calls that were slow, from 0 to 1, or `None` if there are no calls.
    #[must_use]
    pub fn slow_call_rate(&self) -> Option<f64> {
        ratio(self.slow, self.calls)
    }
}

impl AddAssign for WindowCounts {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.failures += other.failures;
        self.slow += other.slow;
    }
}

/// Returns the ratio of `part` to `whole`, or `None` if `whole` is zero.
#[expect(clippy::cast_precision_loss, reason = "no window holds 2^53 calls")]
pub(super) fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
