//! A running async call. While it is polled, only a panic can end it early. Between two polls, only a
//! cancellation or its time limit can. If it is polled after its end, it stays pending and runs nothing.

use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::admission::{Admission, AdmitResult, Call};
use super::circuit::{Circuit, Rejection};
use super::permit::Permit;
use super::special_call::SpecialCall;
use crate::classifier::Classifier;

pin_project! {
    /// The future of a call, with the classifier of its output. It resolves to an error if the call was
    /// rejected or timed out.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Guarded<'a, F, C> {
        // Dropped before the call, which keeps its slot until then.
        #[pin]
        future: F,
        call: AsyncCall<'a>,
        classifier: C,
    }
}

pin_project! {
    /// A future of the call once it need not wait for a bulkhead slot.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Waited<'a> {
        call: AsyncCall<'a>,
    }
}

/// The guard of an async call. Dropping it while the call is waiting or running cancels the call. Its owner
/// drops it after the future of the call, so that a call that timed out keeps its slot until then.
#[derive(Debug)]
pub struct AsyncCall<'a>(
    // Dropped by hand, so that the end of a plain call does not look for what other calls must drop.
    ManuallyDrop<CallProgress<'a>>,
);

/// With a variant for each special call, every future would be eight bytes larger.
#[derive(Debug)]
enum CallProgress<'a> {
    Running(Admission<'a>),
    Special(SpecialCall<'a>),
}

impl<'a, F, C> Guarded<'a, F, C> {
    #[inline]
    pub(crate) const fn new(call: AsyncCall<'a>, future: F, classifier: C) -> Self {
        Self { future, call, classifier }
    }
}

impl<'a, F: Future, C: Classifier<F::Output>> Future for Guarded<'a, F, C> {
    type Output = Result<F::Output, Rejection<'a>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.call.poll(this.future, this.classifier, context, Ok, |rejected| Poll::Ready(Err(rejected)))
    }
}

impl<'a> Future for Waited<'a> {
    type Output = AsyncCall<'a>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<AsyncCall<'a>> {
        let this = self.project();
        if let CallProgress::Special(_) = *this.call.0 {
            ready!(this.call.poll_slot(context));
        }
        Poll::Ready(AsyncCall::new(this.call.0.take()))
    }
}

impl<'a> AsyncCall<'a> {
    #[inline]
    const fn new(progress: CallProgress<'a>) -> Self {
        Self(ManuallyDrop::new(progress))
    }

    /// Returns a call that the fast path has not admitted. Its admission is decided when it is polled.
    #[inline]
    pub(super) const fn undecided(circuit: &'a Circuit) -> Self {
        Self::new(CallProgress::Special(SpecialCall::Undecided(circuit)))
    }

    #[inline]
    pub(super) const fn running(admission: Admission<'a>) -> Self {
        Self::new(CallProgress::Running(admission))
    }

    /// Returns the call that an admission request started. It has a time limit if its circuit has one.
    pub(super) fn started(admitted: AdmitResult<'a>) -> Self {
        Self::new(CallProgress::started(admitted))
    }

    /// Returns a call that must wait for a bulkhead slot.
    pub(super) fn waiting(permit: Permit<'a>) -> Self {
        Self::new(CallProgress::Special(SpecialCall::MustWait(Box::new(permit))))
    }

    /// Returns a future of the call once it need not wait for a bulkhead slot.
    #[inline]
    pub(crate) const fn waited(self) -> Waited<'a> {
        Waited { call: self }
    }

    /// Polls the future of the call, after the call has waited for its slot. Returns the value of `returned`
    /// for its output, or of `rejected` for its rejection or timeout, once.
    #[inline]
    pub(crate) fn poll<F: Future, C: Classifier<F::Output>, R>(
        &mut self,
        future: Pin<&mut F>,
        classifier: &C,
        context: &mut Context<'_>,
        returned: impl FnOnce(F::Output) -> R,
        rejected: impl FnOnce(Rejection<'a>) -> Poll<R>,
    ) -> Poll<R> {
        if let CallProgress::Special(_) = *self.0
            && let Some(rejection) = ready!(self.poll_start(context))
        {
            return rejected(rejection);
        }
        match self.poll_body(future, classifier, context) {
            Poll::Ready(output) => Poll::Ready(returned(output)),
            Poll::Pending => match self.poll_limit(context) {
                Poll::Ready(timed_out) => rejected(timed_out),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    /// Polls the user's future of a running call, and settles the call when it ends.
    #[inline]
    fn poll_body<F: Future, C: Classifier<F::Output>>(
        &mut self,
        future: Pin<&mut F>,
        classifier: &C,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
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
        match &mut *self.0 {
            CallProgress::Running(Admission(call)) if !call.stamp.holds_slot() => {}
            CallProgress::Running(_) | CallProgress::Special(_) => self.enter_scope_of_slot(),
        }
    }

    #[cold]
    #[inline(never)]
    fn enter_scope_of_slot(&mut self) {
        if let Some(call) = self.running_call()
            && call.stamp.holds_slot()
        {
            call.enter_scope();
        }
    }

    /// Stores when the call began, and removes it from the scope of this thread. A call that is ready at its
    /// first poll needs no start, because it cannot be cancelled.
    #[inline(never)]
    fn suspend(&mut self) {
        if let Some(call) = self.running_call() {
            call.note_start();
            call.suspend_scope();
        }
    }

    fn running_call(&mut self) -> Option<&mut Call<'a>> {
        match &mut *self.0 {
            CallProgress::Running(Admission(call)) => Some(call),
            CallProgress::Special(special) => special.running_call(),
        }
    }

    /// Waits until a special call may run. Returns its rejection if it may not.
    #[cold]
    #[inline(never)]
    fn poll_start(&mut self, context: &mut Context<'_>) -> Poll<Option<Rejection<'a>>> {
        ready!(self.poll_slot(context));
        match &*self.0 {
            CallProgress::Running(_) => Poll::Ready(None),
            CallProgress::Special(special) if special.is_running() => Poll::Ready(None),
            CallProgress::Special(_) => {
                self.take_rejection().map_or(Poll::Pending, |it| Poll::Ready(Some(it)))
            }
        }
    }

    /// Waits for the bulkhead slot of a call that must wait.
    #[cold]
    fn poll_slot(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.decide();
        let CallProgress::Special(special) = &mut *self.0 else {
            return Poll::Ready(());
        };
        if let Some(admitted) = ready!(special.poll_slot(context)) {
            *self.0 = CallProgress::started(admitted);
        }
        Poll::Ready(())
    }

    /// Returns the rejection of a call that has reached its time limit.
    #[inline]
    fn poll_limit(&mut self, context: &mut Context<'_>) -> Poll<Rejection<'a>> {
        match &mut *self.0 {
            CallProgress::Running(_) => Poll::Pending,
            CallProgress::Special(special) => special.poll_limit(context),
        }
    }

    /// Returns `true` if the call is running without a time limit.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        matches!(*self.0, CallProgress::Running(_))
    }

    /// Returns the rejection of a rejected call, once.
    pub(crate) fn take_rejection(&mut self) -> Option<Rejection<'a>> {
        let CallProgress::Special(special) = &mut *self.0 else {
            return None;
        };
        special.take_rejection()
    }

    /// Removes the limits that would end the call after its body has received the arguments: a running call
    /// loses its time limit, and a call that must wait is rejected.
    pub(crate) fn remove_limits(&mut self) {
        if let CallProgress::Special(special) = &mut *self.0
            && let Some(admission) = special.remove_limit()
        {
            *self.0 = CallProgress::Running(admission);
        }
    }

    /// Decides the admission of a call that the fast path has not admitted.
    #[cold]
    pub(crate) fn decide(&mut self) {
        if let CallProgress::Special(SpecialCall::Undecided(circuit)) = *self.0 {
            *self = circuit.start_async_restricted();
        }
    }

    /// Settles a call that has not ended.
    #[cold]
    #[inline(never)]
    fn cancel(&mut self) {
        match self.0.take() {
            CallProgress::Running(admission) => admission.cancelled(),
            CallProgress::Special(mut special) => special.cancel(),
        }
    }

    /// Ends the call and returns its admission, if it was running.
    #[inline]
    fn take(&mut self) -> Option<Admission<'a>> {
        match &mut *self.0 {
            CallProgress::Running(Admission(call)) => {
                let call = *call;
                self.0 = ManuallyDrop::new(CallProgress::ENDED);
                Some(Admission(call))
            }
            CallProgress::Special(special) => special.take(),
        }
    }
}

impl<'a> CallProgress<'a> {
    const ENDED: Self = Self::Special(SpecialCall::Ended);

    fn started(admitted: AdmitResult<'a>) -> Self {
        match admitted {
            Ok(admission) => match admission.time_limit() {
                Some(limit) => Self::Special(SpecialCall::limited(admission, limit)),
                None => Self::Running(admission),
            },
            Err(rejected) => Self::Special(SpecialCall::Rejected(rejected)),
        }
    }

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::ENDED)
    }
}

impl Drop for AsyncCall<'_> {
    #[inline]
    fn drop(&mut self) {
        if !matches!(*self.0, CallProgress::Special(SpecialCall::Ended)) {
            self.cancel();
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

#[cfg(test)]
mod tests {
    use super::AsyncCall;

    #[test]
    fn the_guard_of_an_async_call_is_three_words_long() {
        assert_eq!(size_of::<AsyncCall<'_>>(), 3 * size_of::<u64>());
    }
}
