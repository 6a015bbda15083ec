//! A running async call. While it is polled, only a panic can end it early. Between two polls, only a
//! cancellation or its time limit can. If it is polled after its end, it stays pending and runs nothing.

use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::admission::{Admission, AdmitResult};
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

    impl<F, C> PinnedDrop for Guarded<'_, F, C> {
        fn drop(this: Pin<&mut Self>) {
            this.project().call.prepare_drop();
        }
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

/// The result of preparing a call for the poll of its body.
enum Prepared<'a> {
    /// The body can be polled.
    Running(Admission<'a>),
    /// The call waits, or has ended.
    Waiting,
    Rejected(Rejection<'a>),
}

/// A call that is not on the fast path, and the result of preparing it.
struct RareCall<'a> {
    call: AsyncCall<'a>,
    prepared: Prepared<'a>,
}

/// A call whose body is pending.
struct Suspended<'a> {
    call: AsyncCall<'a>,
    /// The rejection of a call that has reached its time limit.
    timed_out: Option<Rejection<'a>>,
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
    ///
    /// The functions for rare calls take the call by value and return it. If they borrowed it, the call would
    /// have to be in memory, and a plain call that is ready at once would take twice as many instructions.
    #[inline]
    pub(crate) fn poll<F: Future, C: Classifier<F::Output>, R>(
        &mut self,
        future: Pin<&mut F>,
        classifier: &C,
        context: &mut Context<'_>,
        returned: impl FnOnce(F::Output) -> R,
        rejected: impl FnOnce(Rejection<'a>) -> Poll<R>,
    ) -> Poll<R> {
        let admission = match self.take_unrestricted() {
            Some(admission) => admission,
            None => match self.prepare_rare(context) {
                Prepared::Running(admission) => admission,
                Prepared::Waiting => return Poll::Pending,
                Prepared::Rejected(rejection) => return rejected(rejection),
            },
        };
        let guard = FailOnPanic(admission);
        match future.poll(context) {
            Poll::Ready(output) => {
                let outcome = classifier.outcome(&output);
                let admission = guard.into_admission();
                Poll::Ready(returned(admission.settle(output, outcome, classifier)))
            }
            Poll::Pending => {
                let Suspended { call, timed_out } =
                    self.replace_with_ended().suspend(guard.into_admission(), context);
                self.put(call);
                timed_out.map_or(Poll::Pending, rejected)
            }
        }
    }

    /// Puts a call that holds a slot into the scope of this thread, until it is dropped. Its owner calls this
    /// before it drops the future of the call, which may make calls of its own.
    #[inline]
    pub(crate) fn prepare_drop(&mut self) {
        if !matches!(*self.0, CallProgress::Special(SpecialCall::Ended)) {
            let call = self.replace_with_ended().scoped();
            self.put(call);
        }
    }

    #[cold]
    #[inline(never)]
    fn scoped(mut self) -> Self {
        let admission = match &mut *self.0 {
            CallProgress::Running(admission) => Some(admission),
            CallProgress::Special(special) => special.admission(),
        };
        if let Some(Admission(call)) = admission
            && call.stamp.holds_slot()
        {
            call.enter_scope();
        }
        self
    }

    /// Returns the admission of a call that is running and holds no slot, and leaves an ended call.
    #[inline]
    fn take_unrestricted(&mut self) -> Option<Admission<'a>> {
        match &*self.0 {
            CallProgress::Running(Admission(call)) if !call.stamp.holds_slot() => {
                let call = *call;
                self.0 = ManuallyDrop::new(CallProgress::ENDED);
                Some(Admission(call))
            }
            CallProgress::Running(_) | CallProgress::Special(_) => None,
        }
    }

    #[inline]
    fn prepare_rare(&mut self, context: &mut Context<'_>) -> Prepared<'a> {
        let RareCall { call, prepared } = self.replace_with_ended().prepare(context);
        self.put(call);
        prepared
    }

    /// Prepares the poll of the body: waits until the call may run, and puts it into the scope of this thread
    /// if it holds a slot.
    #[cold]
    #[inline(never)]
    fn prepare(mut self, context: &mut Context<'_>) -> RareCall<'a> {
        let prepared = match self.poll_slot(context) {
            Poll::Pending => Prepared::Waiting,
            Poll::Ready(()) => match self.take_admission() {
                Some(mut admission) => {
                    if admission.0.stamp.holds_slot() {
                        admission.0.enter_scope();
                    }
                    Prepared::Running(admission)
                }
                None => self.take_rejection().map_or(Prepared::Waiting, Prepared::Rejected),
            },
        };
        RareCall { call: self, prepared }
    }

    /// Takes the admission of a running call out of it until the body has been polled. A time limit stays.
    fn take_admission(&mut self) -> Option<Admission<'a>> {
        match &mut *self.0 {
            CallProgress::Running(Admission(call)) => {
                let call = *call;
                *self.0 = CallProgress::ENDED;
                Some(Admission(call))
            }
            CallProgress::Special(special) => special.take_admission(),
        }
    }

    /// Ends the poll of a body that is pending: puts its admission back, stores when the call began, removes it
    /// from the scope of this thread, and checks its time limit. A call that is ready at its first poll needs
    /// no start, because it cannot be cancelled.
    #[cold]
    #[inline(never)]
    fn suspend(mut self, mut admission: Admission<'a>, context: &mut Context<'_>) -> Suspended<'a> {
        admission.0.note_start();
        admission.0.suspend_scope();
        let timed_out = match &mut *self.0 {
            CallProgress::Special(special) if special.is_limited() => {
                special.put_admission(admission);
                special.poll_limit(context)
            }
            CallProgress::Running(_) | CallProgress::Special(_) => {
                *self.0 = CallProgress::Running(admission);
                None
            }
        };
        Suspended { call: self, timed_out }
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

    /// Returns this call, and leaves an ended one.
    #[inline]
    fn replace_with_ended(&mut self) -> Self {
        std::mem::replace(self, Self::new(CallProgress::ENDED))
    }

    /// Stores a call in place of an ended one, which need not be dropped.
    #[inline]
    fn put(&mut self, call: Self) {
        let mut call = ManuallyDrop::new(call);
        self.0 = ManuallyDrop::new(call.0.take());
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

    #[inline]
    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::ENDED)
    }

    /// Settles a call that has not ended.
    #[cold]
    #[inline(never)]
    fn cancel(self) {
        match self {
            Self::Running(admission) => admission.cancelled(),
            Self::Special(special) => special.cancel(),
        }
    }
}

impl Drop for AsyncCall<'_> {
    #[inline]
    fn drop(&mut self) {
        match &*self.0 {
            CallProgress::Running(Admission(call)) => Admission(*call).cancelled(),
            CallProgress::Special(SpecialCall::Ended) => {}
            CallProgress::Special(_) => self.0.take().cancel(),
        }
    }
}

/// Settles a call whose body panics while it is polled.
struct FailOnPanic<'a>(Admission<'a>);

impl<'a> FailOnPanic<'a> {
    #[inline]
    fn into_admission(self) -> Admission<'a> {
        Admission(ManuallyDrop::new(self).0.0)
    }
}

impl Drop for FailOnPanic<'_> {
    #[inline]
    fn drop(&mut self) {
        Admission(self.0.0).panicked();
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
