//! What a call that ended was worth to its breaker. It does not know which results are which: that
//! is the classifier's word.

/// How a protected call ended, as far as its breaker is concerned.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, Outcome};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// breaker.try_acquire()?.settle(Outcome::Ignored);
/// assert_eq!(breaker.snapshot().totals.ignored, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The dependency did its work. Ends a run of failures.
    Success,
    /// The dependency let the caller down. Counts towards opening.
    Failure,
    /// Says nothing about the dependency (a cancelled call, a caller's own mistake): it is in the
    /// totals and in no rule, and gives a trial's place back.
    Ignored,
}

/// The result of a call as the rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    pub(crate) outcome: Outcome,
    /// The call took at least `slow_call`.
    pub(crate) is_slow: bool,
}

impl Completion {
    /// Returns `true` for a failure.
    pub(crate) const fn is_failure(self) -> bool {
        matches!(self.outcome, Outcome::Failure)
    }
}
