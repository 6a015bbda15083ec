//! A fallback that runs after failed calls too, `fallback_on = failure`: the caller of the body is told what
//! it counted as. There is one place for all that went wrong, so the fallback runs at most once a call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use crate::breaker::{Admission, Limited, Rejected};
use crate::error::{BreakerError, CallError};
use crate::outcome::Outcome;

/// Why there is no result to give. It becomes a [`CallError`] only if somebody looks at it.
#[derive(Debug)]
pub enum Unserved<'a, T> {
    /// The breaker ended the call.
    Rejected(Rejected<'a>),
    /// It returned this, which counts as a failure.
    Failed(T),
}

/// What was returned, and what it counts as.
#[derive(Debug)]
struct Judged<T> {
    output: T,
    outcome: Outcome,
}

pin_project! {
    /// The body of an async function, and the question what its result counts as.
    struct Judging<F, C> {
        #[pin]
        body: F,
        classify: C,
    }
}

pin_project! {
    /// A call whose result was judged.
    struct OrFail<L> {
        #[pin]
        call: L,
    }
}

/// Runs the body of a function, once, to its end.
///
/// # Errors
///
/// If what it returns is a failure.
#[inline]
pub fn call_or_fail<T>(
    admission: Admission<'_>,
    body: impl FnOnce() -> T,
    classify: impl FnOnce(&T) -> Outcome,
    text: impl Fn(&T) -> Option<Arc<str>>,
) -> Result<T, Unserved<'_, T>> {
    let mut outcome = Outcome::Success;
    let output = admission.run(
        body,
        |output| {
            outcome = classify(output);
            outcome
        },
        text,
    );
    Judged { output, outcome }.into_result()
}

/// Runs the body of an async function, but no longer than its `call_timeout`.
pub fn call_async_or_fail<F: Future, C, X>(
    admission: Admission<'_>,
    body: F,
    classify: C,
    text: X,
) -> impl Future<Output = Result<F::Output, Unserved<'_, F::Output>>>
where
    C: Fn(&F::Output) -> Outcome,
    X: Fn(&F::Output) -> Option<Arc<str>>,
{
    let body = Judging { body, classify };
    let outcome = |judged: &Judged<F::Output>| judged.outcome;
    OrFail { call: Limited::new(admission, body, outcome, move |judged| text(&judged.output)) }
}

/// Hands what went wrong to a fallback that looks at it.
#[inline]
pub fn fallback_or_fail<T, R>(unserved: Unserved<'_, T>, fallback: impl FnOnce(CallError<T>) -> R) -> R {
    fallback(match unserved {
        Unserved::Rejected(rejected) => CallError::Rejected(BreakerError::from(rejected)),
        Unserved::Failed(output) => CallError::Failed(output),
    })
}

impl<T> Judged<T> {
    fn into_result<'a>(self) -> Result<T, Unserved<'a, T>> {
        match self.outcome {
            Outcome::Success | Outcome::Ignored => Ok(self.output),
            Outcome::Failure => Err(Unserved::Failed(self.output)),
        }
    }
}

impl<F: Future, C: Fn(&F::Output) -> Outcome> Future for Judging<F, C> {
    type Output = Judged<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let output = ready!(this.body.poll(context));
        let outcome = (this.classify)(&output);
        Poll::Ready(Judged { output, outcome })
    }
}

impl<'a, T, L: Future<Output = Result<Judged<T>, Rejected<'a>>>> Future for OrFail<L> {
    type Output = Result<T, Unserved<'a, T>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = ready!(self.project().call.poll(context));
        Poll::Ready(ended.map_err(Unserved::Rejected).and_then(Judged::into_result))
    }
}
