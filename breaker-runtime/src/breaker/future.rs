//! A call that takes its time. While it is being polled only a panic can end it early; between two
//! polls only a cancellation can, or the end of its time. Polled again after its end it stays pending, and
//! runs nothing.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::circuit::{Acquired, Admission, Rejected};
use super::extras::Extras;
use super::permit::says_panicked;
use crate::classifier::Classifier;
use crate::clock::Sleep;
use crate::error::ErrorKind;

pin_project! {
    /// A future whose call was admitted, and how to read what it returns.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<'a, F, J> {
        #[pin]
        future: F,
        call: Unsettled<'a>,
        classifier: J,
    }
}

pin_project! {
    /// The same, with an end to its time: what the future gives, or that it was ended.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Limited<'a, F, J> {
        // None after its end.
        #[pin]
        call: Option<Guarded<'a, F, J>>,
        #[pin]
        alarm: Option<Sleep>,
    }
}

/// A call that is cancelled when this is dropped before it has ended.
#[derive(Debug)]
pub(crate) struct Unsettled<'a>(Call<'a>);

#[derive(Debug)]
enum Call<'a> {
    Running(Admission<'a>),
    /// It has ended; or it was rejected, and its caller is still to be told. Not two variants: each future would be
    /// eight bytes larger.
    Over(Option<Rejected<'a>>),
}

impl<'a, F, J> Guarded<'a, F, J> {
    #[inline]
    pub(crate) const fn new(admission: Admission<'a>, future: F, classifier: J) -> Self {
        Self { future, call: Unsettled::new(Ok(admission)), classifier }
    }
}

impl<'a, F: Future, J: Classifier<F::Output>> Limited<'a, F, J> {
    pub(crate) fn new(admission: Admission<'a>, future: F, classifier: J) -> Self {
        let circuit = admission.circuit;
        let limits = circuit.extras.get().filter(|_| admission.ticket.is_ruled());
        let limit = limits.and_then(Extras::call_timeout);
        // Guarded first: to ask for a timer where there is none panics.
        let call = Some(Guarded::new(admission, future, classifier));
        let alarm = limit.and_then(|limit| circuit.clock.alarm(limit));
        Self { call, alarm }
    }
}

impl<F: Future, J: Classifier<F::Output>> Future for Guarded<'_, F, J> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.call.poll(this.future, this.classifier, context, |_| Poll::Pending)
    }
}

impl<'a, F: Future, J: Classifier<F::Output>> Future for Limited<'a, F, J> {
    type Output = Result<F::Output, Rejected<'a>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(call) = this.call.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        if let Poll::Ready(output) = call.poll(context) {
            return Poll::Ready(Ok(output));
        }
        match this.alarm.as_pin_mut().map(|alarm| alarm.poll(context)) {
            Some(Poll::Ready(())) => {}
            Some(Poll::Pending) | None => return Poll::Pending,
        }
        let call = this.call.as_mut().as_pin_mut().and_then(|call| call.project().call.take());
        let mut unsettled = Unsettled(call.map_or(Call::Over(None), Call::Running));
        // The future first: what it holds it holds within its place. To drop it may panic.
        let watch = FailOnPanic(&mut unsettled);
        this.call.set(None);
        std::mem::forget(watch);
        let Some(admission) = unsettled.take() else {
            return Poll::Pending;
        };
        let circuit = admission.circuit;
        admission.time_out(&|| Some(Arc::from("it took longer than call_timeout")));
        Poll::Ready(Err(Rejected { circuit, kind: ErrorKind::TimedOut }))
    }
}

impl<'a> Unsettled<'a> {
    #[inline]
    pub(crate) const fn new(acquired: Acquired<'a>) -> Self {
        Self(match acquired {
            Ok(admission) => Call::Running(admission),
            Err(rejected) => Call::Over(Some(rejected)),
        })
    }

    /// Polls the future of a call that runs. Of one that was rejected, `rejected` says once what it gives.
    #[inline]
    pub(crate) fn poll<F: Future, J: Classifier<F::Output>>(
        &mut self,
        future: Pin<&mut F>,
        classifier: &J,
        context: &mut Context<'_>,
        rejected: impl FnOnce(Rejected<'a>) -> Poll<F::Output>,
    ) -> Poll<F::Output> {
        if let Call::Over(untold) = &mut self.0 {
            return untold.take().map_or(Poll::Pending, rejected);
        }
        let watch = FailOnPanic(self);
        let polled = future.poll(context).map(|output| {
            let outcome = classifier.outcome(&output);
            match watch.0.take() {
                Some(admission) => admission.settle_with(output, outcome, |output| classifier.text(output)),
                None => output,
            }
        });
        std::mem::forget(watch);
        polled
    }

    #[inline]
    fn take(&mut self) -> Option<Admission<'a>> {
        match self.0 {
            Call::Running(admission) => {
                self.0 = Call::Over(None);
                Some(admission)
            }
            Call::Over(_) => None,
        }
    }
}

impl Drop for Unsettled<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(admission) = self.take() {
            admission.ignore();
        }
    }
}

/// Settles the call at once when a panic comes through, and not only when somebody drops the future.
struct FailOnPanic<'p, 'a>(&'p mut Unsettled<'a>);

impl Drop for FailOnPanic<'_, '_> {
    fn drop(&mut self) {
        if let Some(admission) = self.0.take() {
            admission.fail(&says_panicked);
        }
    }
}
