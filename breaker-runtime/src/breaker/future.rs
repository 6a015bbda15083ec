//! A running async call. While it is polled, only a panic can end it early. Between two polls, only a
//! cancellation or its time limit can. If it is polled after its end, it stays pending and runs nothing.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::admission::{Admission, AdmitResult};
use super::circuit::Rejection;
use super::options::CircuitOptions;
use crate::classifier::Classifier;
use crate::clock::Sleep;
use crate::error::ErrorKind;

pin_project! {
    /// The future of an admitted call, with the classifier of its output.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<'a, F, C> {
        #[pin]
        future: F,
        call: AsyncCall<'a>,
        classifier: C,
    }
}

pin_project! {
    /// A guarded future with a time limit.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Limited<'a, F, C> {
        // `None` after its end.
        #[pin]
        call: Option<Guarded<'a, F, C>>,
        #[pin]
        sleep: Option<Sleep>,
    }
}

/// The guard of an async call. Dropping it while the call is running cancels the call.
#[derive(Debug)]
pub(crate) struct AsyncCall<'a>(CallProgress<'a>);

#[derive(Debug)]
enum CallProgress<'a> {
    Running(Admission<'a>),
    /// The call has ended, or was rejected and the caller has not received the rejection yet. With a variant
    /// for each, every future would be eight bytes larger.
    Ended(Option<Rejection<'a>>),
}

impl<'a, F, C> Guarded<'a, F, C> {
    #[inline]
    pub(crate) const fn new(admission: Admission<'a>, future: F, classifier: C) -> Self {
        Self { future, call: AsyncCall(CallProgress::Running(admission)), classifier }
    }
}

impl<'a, F: Future, C: Classifier<F::Output>> Limited<'a, F, C> {
    pub(crate) fn new(admission: Admission<'a>, future: F, classifier: C) -> Self {
        let circuit = admission.circuit();
        let options = circuit.options.get().filter(|_| admission.0.ticket.is_tracked());
        let limit = options.and_then(CircuitOptions::call_timeout);
        // The call is guarded first, because creating a timer panics outside a tokio runtime.
        let call = Some(Guarded::new(admission, future, classifier));
        let sleep = limit.and_then(|limit| circuit.clock.alarm(limit));
        Self { call, sleep }
    }
}

impl<F: Future, C: Classifier<F::Output>> Future for Guarded<'_, F, C> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.call.poll(this.future, this.classifier, context, |_| Poll::Pending)
    }
}

impl<'a, F: Future, C: Classifier<F::Output>> Future for Limited<'a, F, C> {
    type Output = Result<F::Output, Rejection<'a>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(call) = this.call.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        if let Poll::Ready(output) = call.poll(context) {
            return Poll::Ready(Ok(output));
        }
        match this.sleep.as_pin_mut().map(|sleep| sleep.poll(context)) {
            Some(Poll::Ready(())) => {}
            Some(Poll::Pending) | None => return Poll::Pending,
        }
        let mut call = match this.call.as_mut().as_pin_mut() {
            Some(call) => std::mem::replace(call.project().call, AsyncCall::ENDED),
            None => AsyncCall::ENDED,
        };
        // The future is dropped while the call still holds its slot. If that panics, the guard settles the
        // call.
        let guard = FailOnPanic(&mut call);
        this.call.set(None);
        std::mem::forget(guard);
        let Some(admission) = call.take() else {
            return Poll::Pending;
        };
        let circuit = admission.circuit();
        admission.time_out();
        Poll::Ready(Err(Rejection { circuit, kind: ErrorKind::TimedOut }))
    }
}

impl<'a> AsyncCall<'a> {
    const ENDED: Self = Self(CallProgress::Ended(None));

    #[inline]
    pub(crate) fn new(admitted: AdmitResult<'a>) -> Self {
        Self(match admitted {
            Ok(admission) => CallProgress::Running(admission),
            Err(rejected) => CallProgress::Ended(Some(rejected)),
        })
    }

    /// Polls the future of a running call. For a rejected call it returns the output of `rejected` once.
    #[inline]
    pub(crate) fn poll<F: Future, C: Classifier<F::Output>>(
        &mut self,
        future: Pin<&mut F>,
        classifier: &C,
        context: &mut Context<'_>,
        rejected: impl FnOnce(Rejection<'a>) -> Poll<F::Output>,
    ) -> Poll<F::Output> {
        if let CallProgress::Ended(rejection) = &mut self.0 {
            return rejection.take().map_or(Poll::Pending, rejected);
        }
        let guard = FailOnPanic(self);
        guard.0.enter_scope();
        let polled = future.poll(context).map(|output| {
            let outcome = classifier.outcome(&output);
            match guard.0.take() {
                Some(admission) => admission.settle(output, outcome, |output| classifier.text(output)),
                None => output,
            }
        });
        if polled.is_pending() {
            guard.0.suspend();
        }
        std::mem::forget(guard);
        polled
    }

    /// Puts a call that holds a slot into the scope of this thread.
    #[inline]
    fn enter_scope(&mut self) {
        if let CallProgress::Running(Admission(call)) = &mut self.0
            && call.stamp.holds_slot()
        {
            call.enter_scope();
        }
    }

    /// Stores when the call began, and removes it from the scope of this thread. A call that is ready at its
    /// first poll needs no start, because it cannot be cancelled.
    #[inline(never)]
    fn suspend(&mut self) {
        if let CallProgress::Running(Admission(call)) = &mut self.0 {
            call.note_start();
            call.suspend_scope();
        }
    }

    /// Ends the call and returns its admission, if it was running.
    #[inline]
    fn take(&mut self) -> Option<Admission<'a>> {
        let CallProgress::Running(Admission(call)) = self.0 else {
            return None;
        };
        self.0 = CallProgress::Ended(None);
        Some(Admission(call))
    }
}

impl Drop for AsyncCall<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(admission) = self.take() {
            admission.cancelled();
        }
    }
}

/// Settles the call as soon as a panic unwinds, not only when the future is dropped.
struct FailOnPanic<'p, 'a>(&'p mut AsyncCall<'a>);

impl Drop for FailOnPanic<'_, '_> {
    fn drop(&mut self) {
        if let Some(admission) = self.0.take() {
            admission.panicked();
        }
    }
}
