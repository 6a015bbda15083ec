//! A function without a fallback: its return type says how a rejection looks. It asks and runs in one call, since each
//! match in a function costs compile time. One that may end late has a match of its own.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::acquire::{Acquire, AcquireNow};
use super::call;
use super::classifier::Asked;
use crate::breaker::{AsyncCall, Rejected};
use crate::classifier::Classifier;
use crate::error::BreakerError;
use crate::outcome::Outcome;

pin_project! {
    /// A call of an async function without a fallback: its body, or the error of a rejection. Not a `Guarded` within: the
    /// compiler, asked whether a chain of such calls is `Send`, goes only so deep.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Protected<'a, F, J> {
        #[pin]
        body: F,
        call: AsyncCall<'a>,
        classifier: J,
    }
}

/// Runs the body of a function, once, to its end, if it may run.
#[inline]
pub fn protect<'a, T: FromRejected, J: Classifier<T>>(
    site: impl Acquire<'a>,
    body: impl FnOnce() -> T,
    classifier: J,
) -> T {
    match site.acquire() {
        Ok(admission) => call(admission, body, classifier),
        Err(rejected) => reject(rejected),
    }
}

/// The same, where somebody is asked before the classifier.
#[inline]
pub fn protect_asking<'a, T: FromRejected, J: Classifier<T>>(
    site: impl Acquire<'a>,
    body: impl FnOnce() -> T,
    classifier: J,
    classify: impl Fn(&T, &J) -> Outcome,
) -> T {
    protect(site, body, Asked { classifier, classify })
}

/// Runs the body of an async function, if it may run.
#[inline]
pub fn protect_async<'a, F, J>(site: impl AcquireNow<'a>, body: F, classifier: J) -> Protected<'a, F, J> {
    Protected { body, call: AsyncCall::new(site.acquire_now()), classifier }
}

/// The same, where somebody is asked before the classifier.
#[inline]
pub fn protect_async_asking<'a, F: Future, J, C: Fn(&F::Output, &J) -> Outcome>(
    site: impl AcquireNow<'a>,
    body: F,
    classifier: J,
    classify: C,
) -> Protected<'a, F, Asked<J, C>> {
    protect_async(site, body, Asked { classifier, classify })
}

impl<F: Future<Output: FromRejected>, J: Classifier<F::Output>> Future for Protected<'_, F, J> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.call.poll(this.body, this.classifier, context, |rejected| Poll::Ready(reject(rejected)))
    }
}

/// What a rejected call gives.
#[inline]
#[must_use]
pub fn reject<T: FromRejected>(rejected: Rejected<'_>) -> T {
    T::from_rejected(rejected.into())
}

#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that the circuit breaker rejected the call",
    label = "a rejected call has to return this",
    note = "either add a fallback, `fallback = |error| ..`, or return a `Result<_, E>` with `E: From<BreakerError>`; \
            with thiserror that is one variant: `#[error(transparent)] Rejected(#[from] breaker_runtime::BreakerError)`"
)]
pub trait FromRejected {
    fn from_rejected(error: BreakerError) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T, E: From<BreakerError>> FromRejected for Result<T, E> {
    #[cold]
    fn from_rejected(error: BreakerError) -> Self {
        Err(E::from(error))
    }
}
