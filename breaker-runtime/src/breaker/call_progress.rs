//! The progress of an async call while its future exists. While the future is polled, only a panic can end the
//! call early. Between two polls, only a cancellation or its time limit can.
//!
//! The functions for rare calls take the parts of a call by value and return them. If they borrowed the
//! progress, every future would be kept in memory, and a plain call that is ready at once would take twice as
//! many instructions.

use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::admission::{Admission, Call};
use super::async_call::AsyncCall;
use super::circuit::{Circuit, Rejection};
use super::special_call::SpecialCall;
use super::stamp::Stamp;
use crate::classifier::Classifier;
use crate::error::ErrorKind;
use crate::outcome::Outcome;
use crate::state::machine::Ticket;
use crate::sync::catch_panic;

/// The values of an async call. They do not cancel the call when they are dropped: their owner does.
#[derive(Debug)]
pub(super) struct CallProgress<'a> {
    pub(super) circuit: &'a Circuit,
    pub(super) ticket: Ticket,
    pub(super) stamp: Stamp,
    pub(super) special: Special<'a>,
}

/// The wait or the time limit of a call, which few calls have.
pub(super) type Special<'a> = Option<Pin<Box<SpecialCall<'a>>>>;

/// The next step of a call that was prepared for the poll of its body.
pub(super) enum Step {
    Run,
    /// The call waits, or has ended.
    Wait,
    Reject(ErrorKind),
}

/// A call that was prepared for the poll of its body.
struct Prepared<'a> {
    ticket: Ticket,
    stamp: Stamp,
    special: Special<'a>,
    step: Step,
}

/// A call whose body is pending.
struct Suspended<'a> {
    stamp: Stamp,
    special: Special<'a>,
    has_timed_out: bool,
}

impl<'a> CallProgress<'a> {
    /// Polls the future of the call, after the call has waited for its slot. Returns the value of `returned`
    /// for its output, or of `rejected` for its rejection or timeout, once.
    #[inline]
    pub(super) fn poll<F: Future, C: Classifier<F::Output>, R>(
        &mut self,
        body: Pin<&mut F>,
        classifier: &C,
        context: &mut Context<'_>,
        returned: impl FnOnce(F::Output) -> R,
        rejected: impl FnOnce(Rejection<'a>) -> Poll<R>,
    ) -> Poll<R> {
        let circuit = self.circuit;
        if !self.stamp.is_unrestricted() {
            match circuit.decide_polled(self.stamp).into_result() {
                Ok((ticket, stamp)) if stamp != Stamp::UNDECIDED => {
                    self.ticket = ticket;
                    self.stamp = stamp;
                }
                Ok(_) => {
                    let stamp = std::mem::replace(&mut self.stamp, Stamp::ENDED);
                    let prepared = prepare(circuit, self.ticket, stamp, self.special.take(), context.waker());
                    self.ticket = prepared.ticket;
                    self.put(prepared.stamp, prepared.special);
                    match prepared.step {
                        Step::Run => {}
                        Step::Wait => return Poll::Pending,
                        Step::Reject(kind) => return rejected(Rejection { circuit, kind }),
                    }
                }
                Err(kind) => {
                    self.stamp = Stamp::ENDED;
                    return rejected(Rejection { circuit, kind });
                }
            }
        }
        let call = Call { circuit, ticket: self.ticket, stamp: self.stamp };
        self.stamp = Stamp::ENDED;
        let guard = FailOnPanic { call, special: &mut self.special };
        match body.poll(context) {
            Poll::Ready(output) => {
                let outcome = classifier.outcome(&output);
                let FailOnPanic { call, ref mut special } = *ManuallyDrop::new(guard);
                let output = settle(call, special, output, outcome, classifier);
                Poll::Ready(returned(output))
            }
            Poll::Pending => {
                let FailOnPanic { call, ref mut special } = *ManuallyDrop::new(guard);
                let suspended =
                    suspend(call.circuit, call.ticket, call.stamp, special.take(), context.waker());
                self.put(suspended.stamp, suspended.special);
                if suspended.has_timed_out {
                    rejected(Rejection { circuit, kind: ErrorKind::TimedOut })
                } else {
                    Poll::Pending
                }
            }
        }
    }

    /// Returns these values, and leaves those of an ended call.
    #[inline]
    pub(super) fn take(&mut self) -> Self {
        let Self { circuit, ticket, stamp, ref mut special } = *self;
        self.stamp = Stamp::ENDED;
        Self { circuit, ticket, stamp, special: special.take() }
    }

    /// Stores values in place of those of an ended call, which has nothing to drop.
    #[inline]
    fn put(&mut self, stamp: Stamp, special: Special<'a>) {
        self.stamp = stamp;
        std::mem::forget(std::mem::replace(&mut self.special, special));
    }
}

#[cold]
#[inline(never)]
fn prepare<'a>(
    circuit: &'a Circuit,
    ticket: Ticket,
    stamp: Stamp,
    special: Special<'a>,
    waker: &Waker,
) -> Prepared<'a> {
    let mut call = AsyncCall::new(circuit, ticket, stamp, special);
    let step = call.step(&mut Context::from_waker(waker));
    let CallProgress { ticket, stamp, special, .. } = call.into_progress();
    Prepared { ticket, stamp, special, step }
}

#[cold]
#[inline(never)]
fn suspend<'a>(
    circuit: &'a Circuit,
    ticket: Ticket,
    stamp: Stamp,
    special: Special<'a>,
    waker: &Waker,
) -> Suspended<'a> {
    let mut call = AsyncCall::new(circuit, ticket, stamp, special);
    let has_timed_out = call.suspend(&mut Context::from_waker(waker));
    let CallProgress { stamp, special, .. } = call.into_progress();
    Suspended { stamp, special, has_timed_out }
}

/// Settles a call whose body has returned. The output is passed by value so that it stays in registers on the
/// fast path.
#[inline]
fn settle<'a, T, C: Classifier<T>>(
    call: Call<'a>,
    special: &mut Special<'a>,
    output: T,
    outcome: Outcome,
    classifier: &C,
) -> T {
    let Call { circuit, ticket, stamp } = call;
    if outcome != Outcome::Success {
        drop_special(special.take());
        return Admission(call).settle(output, outcome, classifier);
    }
    if let Some(keeper) = classifier.keeper() {
        drop_special(special.take());
        Admission(call).keep(keeper);
        return output;
    }
    // A call with a time limit is never a plain success, so the limit is dropped here.
    if !circuit.record_plain_success(ticket) {
        record_success_with_effect(circuit, ticket, stamp, special.take());
    }
    output
}

#[inline(never)]
fn record_success_with_effect(circuit: &Circuit, ticket: Ticket, stamp: Stamp, special: Special<'_>) {
    circuit.record_success_with_effect(ticket, stamp);
    drop_special(special);
}

/// Drops the wait or the time limit of a call. Its timer may keep the last reference to a waker, whose drop may panic: that
/// must not keep the call from being settled.
#[inline]
pub(super) fn drop_special(special: Special<'_>) {
    #[cold]
    #[inline(never)]
    fn drop_cold(special: Pin<Box<SpecialCall<'_>>>) {
        catch_panic(|| drop(special));
    }
    if let Some(special) = special {
        drop_cold(special);
    }
}

/// Settles a call whose body panics while it is polled.
struct FailOnPanic<'p, 'a> {
    call: Call<'a>,
    special: &'p mut Special<'a>,
}

impl Drop for FailOnPanic<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        let Call { circuit, ticket, stamp } = self.call;
        fail_panicked(circuit, ticket, stamp, self.special.take());
    }
}

#[cold]
#[inline(never)]
fn fail_panicked(circuit: &Circuit, ticket: Ticket, stamp: Stamp, special: Special<'_>) {
    Admission::new(circuit, ticket, stamp).panicked();
    drop_special(special);
}
