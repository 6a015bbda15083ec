//! A function without a fallback: its return type says how a rejection looks. Whether the call may go through is
//! looked at here, and not in the function: the compiler takes its time for each match.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::call;
use super::judge::Asked;
use crate::breaker::{Acquired, Guarded, Rejected};
use crate::classifier::Judge;
use crate::error::BreakerError;
use crate::outcome::Outcome;

pin_project! {
    /// A call of an async function.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Served<'a, F, J> {
        #[pin]
        call: Guarded<'a, F, J>,
    }
}

/// Runs the body of a function, once, to its end, if it may run.
#[inline]
pub fn serve<T: FromRejected, J: Judge<T>>(acquired: Acquired<'_>, body: impl FnOnce() -> T, judge: J) -> T {
    match acquired {
        Ok(admission) => call(admission, body, judge),
        Err(rejected) => reject(rejected),
    }
}

/// The same, where somebody is asked before the judge.
#[inline]
pub fn serve_asking<T: FromRejected, J: Judge<T>>(
    acquired: Acquired<'_>,
    body: impl FnOnce() -> T,
    judge: J,
    classify: impl Fn(&T, &J) -> Outcome,
) -> T {
    serve(acquired, body, Asked { judge, classify })
}

/// Runs the body of an async function, if it may run.
#[inline]
pub const fn serve_async<F, J>(acquired: Acquired<'_>, body: F, judge: J) -> Served<'_, F, J> {
    Served { call: Guarded::acquired(acquired, body, judge) }
}

/// The same, where somebody is asked before the judge.
#[inline]
pub fn serve_async_asking<F: Future, J, C: Fn(&F::Output, &J) -> Outcome>(
    acquired: Acquired<'_>,
    body: F,
    judge: J,
    classify: C,
) -> Served<'_, F, Asked<J, C>> {
    serve_async(acquired, body, Asked { judge, classify })
}

impl<F: Future<Output: FromRejected>, J: Judge<F::Output>> Future for Served<'_, F, J> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.project().call.poll_or(context, |rejected| {
            rejected.take().map_or(Poll::Pending, |rejected| Poll::Ready(reject(rejected)))
        })
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
