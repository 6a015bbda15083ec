//! The outcome of a call. The classifier maps results to outcomes.

/// The outcome of a protected call.
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
    /// The dependency worked. A success ends a run of failures.
    Success,
    /// The dependency failed. A failure counts towards opening the circuit.
    Failure,
    /// The call is no evidence about the dependency: it was cancelled early, or the caller made a mistake. It
    /// counts in the totals but in no rule, and a trial call releases its slot.
    Ignored,
}

/// The outcome of a call and its speed, as input of the rules.
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
