//! Fallbacks: the calls that may need one, the value that it receives, and the counting of its outcome.
//!
//! With `fallback_on = failure`, a failed call has no result for its caller. A call that ended with the error of
//! another breaker is treated in the same way, although it is ignored. Generated code handles such a call and a
//! rejection in one `match` arm, so the fallback runs at most once per call.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use super::acquire::{Acquire, CircuitRef};
use super::classifier::{AnyValue, InspectError, ResultClassifier, WithConditions};
use crate::breaker::{Circuit, Guarded, Permit, Rejection};
use crate::classifier::{Classifier, of_result};
use crate::error::{BreakerError, CallError};
use crate::event::FallbackCause;
use crate::outcome::{Outcome, Verdict};

/// The reason why a call has no result for its caller. It becomes a [`CallError`] only if the fallback takes
/// one.
#[derive(Debug)]
pub enum NoResult<'a, T> {
    /// The breaker rejected the call, or stopped it after `call_timeout`.
    Rejected(Rejection<'a>),
    /// The body returned this output, which is a failure or the error of another breaker.
    Failed(CircuitRef<'a>, T),
}

/// Runs the body of a sync function if the call is admitted.
///
/// # Errors
///
/// Returns the rejection, or the output as [`NoResult::Failed`] if it is a failure or the error of another
/// breaker.
#[expect(clippy::needless_pass_by_value, reason = "the same signature as the async form, which keeps it")]
#[inline]
pub fn run_or_fallback<'a, T, C: Classifier<T>>(
    site: impl Acquire<'a>,
    body: impl FnOnce() -> T,
    classifier: C,
    conditions: impl Fn(&T, &C) -> Verdict,
) -> Result<T, NoResult<'a, T>> {
    let admission = site.acquire().map_err(NoResult::Rejected)?;
    let circuit = CircuitRef(admission.circuit());
    let mut verdict = Verdict::Success;
    let output = Permit::running(admission).run(
        body,
        |output| {
            verdict = conditions(output, &classifier);
            verdict.into()
        },
        &classifier,
    );
    Classified { output, verdict }.into_result(circuit)
}

/// Runs the body of an async function if the call is admitted.
///
/// The future resolves to an error if the call was rejected or timed out, or if its output is a failure or the
/// error of another breaker.
pub fn run_async_or_fallback<
    'a,
    F: Future,
    C: Classifier<F::Output> + Copy,
    P: Fn(&F::Output, &C) -> Verdict,
>(
    site: impl Acquire<'a>,
    body: F,
    classifier: C,
    conditions: P,
) -> impl Future<Output = Result<F::Output, NoResult<'a, F::Output>>> {
    let circuit = site.circuit();
    let body = ClassifiedBody { body, classifier: WithConditions { classifier, conditions } };
    let call = circuit.0.start_async();
    OrFallback { call: Guarded::new(call, body, KnownOutcome(classifier)), circuit }
}

/// Calls a fallback closure with the error of the rejection.
#[inline]
pub fn call_fallback<T>(rejected: Rejection<'_>, fallback: impl FnOnce(BreakerError) -> T) -> T {
    fallback(rejected.into())
}

/// Calls a fallback closure with the error of the call: its rejection or its failed output.
#[inline]
pub fn call_fallback_on_failure<T, R>(
    no_result: NoResult<'_, T>,
    fallback: impl FnOnce(CallError<T>) -> R,
) -> R {
    fallback(match no_result {
        NoResult::Rejected(rejected) => CallError::Breaker(BreakerError::from(rejected)),
        NoResult::Failed(_, output) => CallError::Failed(output),
    })
}

/// The circuit that counts a fallback, and the reason why the fallback runs.
#[derive(Clone, Copy, Debug)]
pub struct FallbackOrigin<'a> {
    circuit: &'a Circuit,
    cause: FallbackCause,
}

impl FallbackOrigin<'_> {
    #[inline]
    fn count(self, outcome: Outcome) {
        self.circuit.count_fallback(self.cause, outcome);
    }
}

impl<'a> From<Rejection<'a>> for FallbackOrigin<'a> {
    #[inline]
    fn from(rejected: Rejection<'a>) -> Self {
        Self { circuit: rejected.circuit, cause: FallbackCause::Breaker(rejected.kind) }
    }
}

impl<'a, T> NoResult<'a, T> {
    /// Returns the circuit of the call and the reason for its fallback, before the fallback consumes `self`.
    #[inline]
    #[must_use]
    pub fn circuit(&self) -> FallbackOrigin<'a> {
        match self {
            Self::Rejected(rejected) => (*rejected).into(),
            Self::Failed(circuit, _) => FallbackOrigin { circuit: circuit.0, cause: FallbackCause::Failed },
        }
    }
}

impl<T, E, S: InspectError<E>> ResultClassifier<Result<T, E>, S> {
    /// Counts the outcome of a fallback and returns its output. Every `Err` is a failure; conditions do not
    /// apply.
    #[inline]
    pub fn record_fallback<'a>(
        self,
        origin: impl Into<FallbackOrigin<'a>>,
        output: Result<T, E>,
    ) -> Result<T, E> {
        origin.into().count(of_result(&output));
        output
    }

    /// Runs a fallback closure that returns the output itself, not a future, and counts its outcome.
    #[inline]
    pub fn run_fallback(
        self,
        rejected: Rejection<'_>,
        fallback: impl FnOnce(BreakerError) -> Result<T, E>,
    ) -> Result<T, E> {
        self.record_fallback(rejected, fallback(rejected.into()))
    }
}

impl<T> AnyValue<T> {
    /// Counts the outcome of a fallback, which is a success, and returns its output.
    #[inline]
    pub fn record_fallback<'a>(self, origin: impl Into<FallbackOrigin<'a>>, output: T) -> T {
        origin.into().count(Outcome::Success);
        output
    }

    /// Runs a fallback closure that returns the output itself, not a future, and counts its outcome.
    #[inline]
    pub fn run_fallback(self, rejected: Rejection<'_>, fallback: impl FnOnce(BreakerError) -> T) -> T {
        self.record_fallback(rejected, fallback(rejected.into()))
    }
}

/// An output with the decision about it.
#[derive(Debug)]
struct Classified<T> {
    output: T,
    verdict: Verdict,
}

impl<T> Classified<T> {
    fn into_result(self, circuit: CircuitRef<'_>) -> Result<T, NoResult<'_, T>> {
        match self.verdict {
            Verdict::Success | Verdict::Ignored => Ok(self.output),
            Verdict::Failure | Verdict::OtherBreaker => Err(NoResult::Failed(circuit, self.output)),
        }
    }
}

pin_project! {
    /// The body of an async function, which classifies its own output.
    struct ClassifiedBody<F, C> {
        #[pin]
        body: F,
        classifier: C,
    }
}

impl<F: Future, C: Classifier<F::Output>> Future for ClassifiedBody<F, C> {
    type Output = Classified<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let output = ready!(this.body.poll(context));
        let verdict = this.classifier.verdict(&output);
        Poll::Ready(Classified { output, verdict })
    }
}

/// The classifier of an output that has been decided about. `C` describes its failure.
struct KnownOutcome<C>(C);

impl<T, C: Classifier<T>> Classifier<Classified<T>> for KnownOutcome<C> {
    fn verdict(&self, classified: &Classified<T>) -> Verdict {
        classified.verdict
    }

    fn text(&self, classified: &Classified<T>) -> Option<Arc<str>> {
        self.0.text(&classified.output)
    }

    fn retry_after(&self, classified: &Classified<T>) -> Option<Duration> {
        self.0.retry_after(&classified.output)
    }

    fn keeper(&self) -> Option<&dyn Any> {
        self.0.keeper()
    }
}

pin_project! {
    /// A call with a fallback for failures.
    struct OrFallback<'a, L> {
        #[pin]
        call: L,
        circuit: CircuitRef<'a>,
    }
}

impl<'a, T, L: Future<Output = Result<Classified<T>, Rejection<'a>>>> Future for OrFallback<'a, L> {
    type Output = Result<T, NoResult<'a, T>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.call.poll(context));
        let result = result.map_err(NoResult::Rejected);
        Poll::Ready(result.and_then(|classified| classified.into_result(*this.circuit)))
    }
}
