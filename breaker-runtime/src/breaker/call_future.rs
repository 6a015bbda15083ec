//! The body of an async call and its progress. One function ends both if they are dropped early.
//!
//! The body is dropped by hand. If the compiler dropped the body and then the call, every future would be kept in
//! memory, and a plain async call would take a third more instructions.
#![expect(unsafe_code, reason = "a pinned body that is dropped by hand")]

use std::fmt;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::async_call::AsyncCall;
use super::call_progress::{CallProgress, Special};
use super::circuit::{Circuit, Rejection};
use super::stamp::Stamp;
use crate::classifier::Classifier;
use crate::state::machine::Ticket;

/// The body of a call and its progress. Dropping it before its end cancels the call, which keeps its slot until
/// the body has been dropped.
pub(crate) struct CallFuture<'a, F> {
    body: ManuallyDrop<F>,
    call: ManuallyDrop<CallProgress<'a>>,
}

// SAFETY: the body and the progress are its only content. The compiler would come to the same result, but needs
// three more levels of nesting in its proof, and a chain of annotated functions reaches its recursion limit.
unsafe impl<'a, F: Send> Send for CallFuture<'a, F> where CallProgress<'a>: Send {}

// SAFETY: as above.
unsafe impl<'a, F: Sync> Sync for CallFuture<'a, F> where CallProgress<'a>: Sync {}

impl<'a, F> CallFuture<'a, F> {
    #[inline]
    pub(crate) fn new(call: AsyncCall<'a>, body: F) -> Self {
        Self { body: ManuallyDrop::new(body), call: ManuallyDrop::new(call.into_progress()) }
    }
}

impl<'a, F: Future> CallFuture<'a, F> {
    /// Polls the body, after the call has waited for its slot. Returns the value of `returned` for its output, or
    /// of `rejected` for the rejection or timeout of the call, once.
    #[inline]
    pub(crate) fn poll<C: Classifier<F::Output>, R>(
        self: Pin<&mut Self>,
        classifier: &C,
        context: &mut Context<'_>,
        returned: impl FnOnce(F::Output) -> R,
        rejected: impl FnOnce(Rejection<'a>) -> Poll<R>,
    ) -> Poll<R> {
        // SAFETY: the body is pinned whenever `self` is: nothing moves it out of its field, it is dropped in the
        // `Drop` of `self`, and `self` is `Unpin` only if the body is.
        let (body, call) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut *this.body), &mut *this.call)
        };
        call.poll(body, classifier, context, returned, rejected)
    }
}

impl<F> Drop for CallFuture<'_, F> {
    #[inline]
    fn drop(&mut self) {
        if self.call.stamp.is_ended() {
            // SAFETY: `self` is being dropped, so nothing uses the body again.
            unsafe { ManuallyDrop::drop(&mut self.body) }
        } else {
            let CallProgress { circuit, ticket, stamp, special } = self.call.take();
            // SAFETY: as above.
            unsafe { cancel(&mut self.body, circuit, ticket, stamp, special) }
        }
    }
}

/// Drops the body of a call that has not ended, and cancels the call.
///
/// # Safety
///
/// The body must not be used again, nor dropped a second time.
#[cold]
#[inline(never)]
unsafe fn cancel<'a, F>(
    body: &mut ManuallyDrop<F>,
    circuit: &'a Circuit,
    ticket: Ticket,
    stamp: Stamp,
    special: Special<'a>,
) {
    let call = AsyncCall::new(circuit, ticket, stamp, special);
    // Declared last, so that it is dropped first: a call leaves its scope before its slot is released.
    let _scope = call.scope_of_drop();
    // SAFETY: the contract is the same.
    unsafe { ManuallyDrop::drop(body) }
}

impl<F> fmt::Debug for CallFuture<'_, F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CallFuture").field("call", &self.call).finish_non_exhaustive()
    }
}
