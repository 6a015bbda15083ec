//! The outcome of a call, and what settling it did. The classifier maps results to outcomes.

use std::fmt;

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
    /// The call is no evidence about the dependency: for example, it was cancelled early, or another circuit
    /// breaker rejected it. It counts in the totals but in no rule, and a trial call releases its slot.
    Ignored,
}

impl Outcome {
    /// Returns the name of the outcome in logs and JSON, which `Display` writes.
    ///
    /// ```
    /// assert_eq!(breaker_runtime::Outcome::Ignored.label(), "ignored");
    /// ```
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Ignored => "ignored",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.label())
    }
}

/// The effect of [settling](crate::Permit::settle) a call. The totals count it in any case.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, Outcome, Settled};
///
/// let breaker = CircuitBreaker::new("upload", Config::default())?;
/// assert_eq!(breaker.try_acquire()?.settle(Outcome::Success), Settled::Counted);
///
/// let permit = breaker.try_acquire()?;
/// breaker.reset();
/// assert_eq!(permit.settle(Outcome::Failure), Settled::Late);
/// assert_eq!(breaker.snapshot().consecutive_failures, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Settled {
    /// The circuit is in the generation that admitted the call, so the outcome counts for what that generation
    /// evaluates: the rules of a closed circuit, or the recovery of a half-open one. A disabled circuit evaluates
    /// nothing, and an ignored outcome is in no count.
    Counted,
    /// The outcome has no effect on the circuit: its state has changed since the call was admitted, the lease of a
    /// trial call has ended, or only shadow mode or [`max_open`](crate::ConfigBuilder::max_open) admitted the call.
    Late,
}

/// The decision of the classifier about a value. It has more detail than the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The call is a success.
    Success,
    /// The call is a failure.
    Failure,
    /// The user ignores the value: it is a result like any other for the caller.
    Ignored,
    /// The value is the error of another breaker. The call is ignored, but it has no result for the caller.
    OtherBreaker,
}

impl From<Verdict> for Outcome {
    #[inline]
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Success => Self::Success,
            Verdict::Failure => Self::Failure,
            Verdict::Ignored | Verdict::OtherBreaker => Self::Ignored,
        }
    }
}

impl From<Outcome> for Verdict {
    #[inline]
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Success => Self::Success,
            Outcome::Failure => Self::Failure,
            Outcome::Ignored => Self::Ignored,
        }
    }
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
