//! A call that takes its time. While it is being polled only a panic can end it early; between two
//! polls only a cancellation can. Polled again after its end it stays pending, and runs nothing.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::circuit::{Admission, Circuit};
use super::permit::{IfDropped, Permit};
use crate::classifier::of_result;
use crate::error::BreakerError;
use crate::outcome::Outcome;

pin_project! {
    /// The future of [`CircuitBreaker::call_async`](crate::CircuitBreaker::call_async).
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct CallFuture<'a, F> {
        #[pin]
        future: F,
        not_asked_yet: Option<&'a Circuit>,
        permit: Option<Permit<'a>>,
    }
}

pin_project! {
    /// A future whose call was admitted, and how to read what it returns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<'a, F, C> {
        #[pin]
        future: F,
        permit: Option<Permit<'a>>,
        classify: C,
    }
}

impl<'a, F> CallFuture<'a, F> {
    pub(super) fn new(circuit: &'a Circuit, future: F) -> Self {
        Self { future, not_asked_yet: Some(circuit), permit: None }
    }
}

impl<'a, F, C> Guarded<'a, F, C> {
    #[inline]
    pub(crate) fn new(admission: Admission<'a>, future: F, classify: C) -> Self {
        Self { future, permit: Some(Permit::new(admission, IfDropped::Cancelled)), classify }
    }
}

impl<T, E, F> Future for CallFuture<'_, F>
where
    F: Future<Output = Result<T, E>>,
    E: From<BreakerError>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(circuit) = this.not_asked_yet.take() {
            let admission = circuit.admit().map_err(BreakerError::from)?;
            *this.permit = Some(Permit::new(admission, IfDropped::Cancelled));
        }
        poll_admitted(this.future, this.permit, of_result, context)
    }
}

impl<F, C> Future for Guarded<'_, F, C>
where
    F: Future,
    C: Fn(&F::Output) -> Outcome,
{
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        poll_admitted(this.future, this.permit, this.classify, context)
    }
}

#[inline]
fn poll_admitted<F: Future>(
    future: Pin<&mut F>,
    place: &mut Option<Permit<'_>>,
    classify: impl FnOnce(&F::Output) -> Outcome,
    context: &mut Context<'_>,
) -> Poll<F::Output> {
    if place.is_none() {
        return Poll::Pending;
    }
    let watch = FailOnPanic(place);
    let polled = future.poll(context);
    if let Poll::Ready(output) = &polled {
        let outcome = classify(output);
        if let Some(permit) = watch.0.take() {
            permit.settle(outcome);
        }
    }
    std::mem::forget(watch);
    polled
}

/// Settles the call at once when a panic comes through, and not only when somebody drops the future.
struct FailOnPanic<'p, 'a>(&'p mut Option<Permit<'a>>);

impl Drop for FailOnPanic<'_, '_> {
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.settle(Outcome::Failure);
        }
    }
}
