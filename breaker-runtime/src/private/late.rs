//! A fallback that runs after failed calls too, `fallback_on = failure`: the caller of the body is told what
//! it counted as. There is one place for all that went wrong, so the fallback runs at most once a call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::answer::Asking;
use super::classifier::Asked;
use crate::breaker::{Admission, Limited, Rejected};
use crate::classifier::Classifier;
use crate::error::{BreakerError, CallError};
use crate::outcome::Outcome;

/// Why there is no result to give. It becomes a [`CallError`] only if somebody looks at it.
#[derive(Debug)]
pub enum Unserved<'a, T> {
    /// The breaker ended the call.
    Rejected(Rejected<'a>),
    /// Here it returned this, which counts as a failure.
    Failed(Asking<'a>, T),
}

/// What was returned, and what it counts as.
#[derive(Debug)]
struct Judged<T> {
    output: T,
    outcome: Outcome,
}

pin_project! {
    /// The body of an async function, and the question what its result counts as.
    struct Judging<F, J> {
        #[pin]
        body: F,
        classifier: J,
    }
}

/// Says once more what was said, and what the result says.
struct AsJudged<J>(J);

pin_project! {
    /// A call whose result was judged.
    struct OrFail<'a, L> {
        #[pin]
        call: L,
        asking: Asking<'a>,
    }
}

/// Runs the body of a function, once, to its end.
///
/// # Errors
///
/// If what it returns is a failure.
#[expect(clippy::needless_pass_by_value, reason = "as the async forms take it, which keep it")]
#[inline]
pub fn call_or_fail<T, J: Classifier<T>>(
    admission: Admission<'_>,
    body: impl FnOnce() -> T,
    classifier: J,
    classify: impl Fn(&T, &J) -> Outcome,
) -> Result<T, Unserved<'_, T>> {
    let asking = admission.asking();
    let mut outcome = Outcome::Success;
    let output = crate::breaker::Permit::running(admission).run(
        body,
        |output| {
            outcome = classify(output, &classifier);
            outcome
        },
        |output| classifier.text(output),
    );
    Judged { output, outcome }.into_result(asking)
}

/// Runs the body of an async function, but no longer than its `call_timeout`.
pub fn call_async_or_fail<F: Future, J: Classifier<F::Output> + Copy, C: Fn(&F::Output, &J) -> Outcome>(
    admission: Admission<'_>,
    body: F,
    classifier: J,
    classify: C,
) -> impl Future<Output = Result<F::Output, Unserved<'_, F::Output>>> {
    let asking = admission.asking();
    let body = Judging { body, classifier: Asked { classifier, classify } };
    OrFail { call: Limited::new(admission, body, AsJudged(classifier)), asking }
}

/// Hands what went wrong to a fallback that looks at it.
#[inline]
pub fn fallback_or_fail<T, R>(unserved: Unserved<'_, T>, fallback: impl FnOnce(CallError<T>) -> R) -> R {
    fallback(match unserved {
        Unserved::Rejected(rejected) => CallError::Breaker(BreakerError::from(rejected)),
        Unserved::Failed(_, output) => CallError::Failed(output),
    })
}

impl<T> Judged<T> {
    fn into_result(self, asking: Asking<'_>) -> Result<T, Unserved<'_, T>> {
        match self.outcome {
            Outcome::Success | Outcome::Ignored => Ok(self.output),
            Outcome::Failure => Err(Unserved::Failed(asking, self.output)),
        }
    }
}

impl<T, J: Classifier<T>> Classifier<Judged<T>> for AsJudged<J> {
    fn outcome(&self, judged: &Judged<T>) -> Outcome {
        judged.outcome
    }

    fn text(&self, judged: &Judged<T>) -> Option<Arc<str>> {
        self.0.text(&judged.output)
    }
}

impl<F: Future, J: Classifier<F::Output>> Future for Judging<F, J> {
    type Output = Judged<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let output = ready!(this.body.poll(context));
        let outcome = this.classifier.outcome(&output);
        Poll::Ready(Judged { output, outcome })
    }
}

impl<'a, T, L: Future<Output = Result<Judged<T>, Rejected<'a>>>> Future for OrFail<'a, L> {
    type Output = Result<T, Unserved<'a, T>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let ended = ready!(this.call.poll(context));
        Poll::Ready(ended.map_err(Unserved::Rejected).and_then(|judged| judged.into_result(*this.asking)))
    }
}
