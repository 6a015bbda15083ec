//! Calls of functions without a fallback: admission, body and rejection in one function.
//!
//! With one function, generated code needs no `match`, which would cost compile time in every protected
//! function.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::acquire::Acquire;
use super::classifier::WithConditions;
use super::rejection::{FromRejected, reject};
use super::run_admitted::run_admitted;
use crate::breaker::CallFuture;
use crate::classifier::Classifier;
use crate::outcome::Verdict;

pin_project! {
    /// A call of an async function without a fallback.
    ///
    /// It does not wrap a `Guarded`: each level of nesting brings the compiler closer to its recursion limit
    /// when it proves that a chain of such calls is `Send`.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct RunAsync<'a, F, C> {
        #[pin]
        call: CallFuture<'a, F>,
        classifier: C,
    }
}

/// Runs the body of a sync function if the call is admitted.
#[inline]
pub fn run<'a, T: FromRejected, C: Classifier<T>>(
    site: impl Acquire<'a>,
    body: impl FnOnce() -> T,
    classifier: C,
) -> T {
    match site.acquire() {
        Ok(admission) => run_admitted(admission, body, classifier),
        Err(rejected) => reject(rejected),
    }
}

/// Runs the body of a sync function if the call is admitted. `conditions` take precedence over the
/// classifier.
#[inline]
pub fn run_with_conditions<'a, T: FromRejected, C: Classifier<T>>(
    site: impl Acquire<'a>,
    body: impl FnOnce() -> T,
    classifier: C,
    conditions: impl Fn(&T, &C) -> Verdict,
) -> T {
    run(site, body, WithConditions { classifier, conditions })
}

/// Runs the body of an async function if the call is admitted.
#[inline]
pub fn run_async<'a, F, C>(site: impl Acquire<'a>, body: F, classifier: C) -> RunAsync<'a, F, C> {
    RunAsync { call: CallFuture::new(site.start(), body), classifier }
}

/// Runs the body of an async function if the call is admitted. `conditions` take precedence over the
/// classifier.
#[inline]
pub fn run_async_with_conditions<'a, F: Future, C, P: Fn(&F::Output, &C) -> Verdict>(
    site: impl Acquire<'a>,
    body: F,
    classifier: C,
    conditions: P,
) -> RunAsync<'a, F, WithConditions<C, P>> {
    run_async(site, body, WithConditions { classifier, conditions })
}

impl<F: Future<Output: FromRejected>, C: Classifier<F::Output>> Future for RunAsync<'_, F, C> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.call.poll(this.classifier, context, |output| output, |rejected| Poll::Ready(reject(rejected)))
    }
}
