//! The futures of a call. If one is polled after its end, it stays pending and runs nothing.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::async_call::{AsyncCall, StartedCall};
use super::call_future::CallFuture;
use super::circuit::Rejection;
use crate::classifier::Classifier;

pin_project! {
    /// The future of a call, with the classifier of its output. It resolves to an error if the call was
    /// rejected or timed out.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<'a, F, C> {
        #[pin]
        call: CallFuture<'a, F>,
        classifier: C,
    }
}

pin_project! {
    /// A future that resolves to the call when it no longer waits for a slot.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Waited<'a> {
        // `None` after its end.
        call: Option<AsyncCall<'a>>,
    }
}

impl<'a, F, C> Guarded<'a, F, C> {
    #[inline]
    pub(crate) fn new(call: AsyncCall<'a>, future: F, classifier: C) -> Self {
        Self { call: CallFuture::new(call, future), classifier }
    }
}

impl<'a, F: Future, C: Classifier<F::Output>> Future for Guarded<'a, F, C> {
    type Output = Result<F::Output, Rejection<'a>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.call.poll(this.classifier, context, Ok, |rejected| Poll::Ready(Err(rejected)))
    }
}

impl<'a> Waited<'a> {
    #[inline]
    pub(crate) const fn new(call: AsyncCall<'a>) -> Self {
        Self { call: Some(call) }
    }
}

impl<'a> Future for Waited<'a> {
    type Output = StartedCall<'a>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<StartedCall<'a>> {
        let call = self.project().call;
        let Some(waiting) = call else {
            return Poll::Pending;
        };
        let started = ready!(waiting.poll_slot(context));
        match (started, call.take()) {
            (Ok(()), Some(call)) => Poll::Ready(StartedCall::Started(call)),
            (Ok(()), None) => Poll::Pending,
            (Err(rejected), _) => Poll::Ready(StartedCall::Rejected(rejected)),
        }
    }
}
