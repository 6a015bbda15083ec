//! The guard of an async call before its future exists, and inside cold functions.

use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::admission::{Admission, Call};
use super::admit::Nesting;
use super::call_progress::{CallProgress, Special, Step, drop_special};
use super::circuit::{Circuit, Rejection};
use super::permit::Permit;
use super::slot_holders::CallScope;
use super::special_call::{DelayedCall, SpecialCall};
use super::stamp::{Phase, Stamp};
use crate::clock::Sleep;
use crate::state::machine::Ticket;
use crate::sync::catch_panic;

/// An async call. Dropping it cancels the call.
#[derive(Debug)]
pub struct AsyncCall<'a>(CallProgress<'a>);

/// The result of starting an async call that may have waited for its slot.
#[derive(Debug)]
#[must_use = "a call that is dropped is cancelled"]
pub enum StartedCall<'a> {
    /// The call was not rejected.
    Started(AsyncCall<'a>),
    /// The call was rejected.
    Rejected(Rejection<'a>),
}

impl<'a> AsyncCall<'a> {
    /// Returns a call that the fast path has not admitted. Its admission is decided when it is polled.
    #[inline]
    pub(super) const fn undecided(circuit: &'a Circuit) -> Self {
        Self::new(circuit, Ticket::SHADOW, Stamp::UNDECIDED, None)
    }

    #[inline]
    pub(super) const fn running(Admission(call): Admission<'a>) -> Self {
        let Call { circuit, ticket, stamp } = call;
        Self::new(circuit, ticket, stamp, None)
    }

    /// Returns a call that must wait for a bulkhead slot.
    pub(super) const fn waiting(circuit: &'a Circuit, ticket: Ticket) -> Self {
        Self::new(circuit, ticket, Stamp::MUST_WAIT, None)
    }

    /// Returns an admitted call. It has a time limit if its circuit has one. Panics if it has one outside a tokio
    /// runtime with timers enabled; the call then counts as ignored.
    pub(super) fn admitted(admission: Admission<'a>) -> Self {
        let limit = admission.time_limit();
        Self::limited(admission, limit)
    }

    /// Returns an admitted call with this time limit; see [`admitted`](Self::admitted).
    pub(super) fn limited(admission: Admission<'a>, limit: Option<Duration>) -> Self {
        let mut call = Self::running(admission);
        if let Some(limit) = limit {
            let limit = call.0.circuit.clock.alarm(limit).unwrap_or(Sleep::Never);
            call.0.special = Some(Box::pin(SpecialCall::Limited { limit, first_poll_ended: None }));
        }
        call
    }

    #[inline]
    pub(super) const fn new(
        circuit: &'a Circuit,
        ticket: Ticket,
        stamp: Stamp,
        special: Special<'a>,
    ) -> Self {
        Self(CallProgress { circuit, ticket, stamp, special })
    }

    /// Returns the progress of the call, without a guard.
    #[inline]
    pub(super) fn into_progress(self) -> CallProgress<'a> {
        ManuallyDrop::new(self).0.take()
    }

    /// Returns `true` if the call is running without a time limit.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.0.special.is_none() && self.0.stamp.phase() == Phase::Running
    }

    /// Decides the admission of a call that the fast path has not admitted.
    ///
    /// # Errors
    ///
    /// Returns the rejection of the call, which has then ended.
    #[cold]
    pub(crate) fn decide(&mut self) -> Result<(), Rejection<'a>> {
        if self.0.stamp.phase() == Phase::Undecided {
            self.0.stamp = Stamp::ENDED;
            *self = self.0.circuit.start_async_restricted()?;
        }
        Ok(())
    }

    /// Waits for the bulkhead slot of a call that must wait.
    pub(super) fn poll_slot(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Rejection<'a>>> {
        self.decide()?;
        self.start_waiting();
        if self.0.stamp.phase() == Phase::Waiting
            && let Some(special) = &mut self.0.special
        {
            let admitted = ready!(special.as_mut().poll_slot(context));
            self.0.stamp = Stamp::ENDED;
            drop_special(self.0.special.take());
            *self = self.0.circuit.start_async_after_wait(admitted?)?;
        }
        if self.0.stamp.phase() == Phase::Delayed {
            return self.poll_delay(context);
        }
        Poll::Ready(Ok(()))
    }

    fn start_waiting(&mut self) {
        if self.0.stamp.phase() == Phase::MustWait {
            let CallProgress { circuit, ticket, .. } = self.0;
            let permit = Permit::waiting(Admission::new(circuit, ticket, Stamp::NONE));
            self.0.stamp = Stamp::WAITING;
            self.0.special = Some(Box::pin(SpecialCall::Waiting {
                wait: Box::pin(circuit.wait_async(permit, Nesting::Allowed)),
            }));
        }
    }

    /// Returns the call without the limits that would end it after its body has received the arguments: a running call
    /// loses its time limit, a delayed call also its delay, and a call that must wait is rejected. Reports this once
    /// for each circuit, until its settings change. The call has not been polled. It is [plain](Self::is_plain)
    /// afterwards, so that no limit can end it.
    ///
    /// # Errors
    ///
    /// Returns the rejection of a call that must wait, or of a delayed one that a drill fails.
    pub(crate) fn without_limits(mut self) -> Result<Self, Rejection<'a>> {
        self.decide()?;
        let must_wait = self.0.stamp.phase() == Phase::MustWait;
        let delayed = self.0.special.as_deref().and_then(SpecialCall::delayed);
        // Of a call with a time limit, that is reported, because it also matters without a drill.
        let is_only_delayed = delayed.is_some_and(|delayed| !delayed.end.is_limited());
        let delay_or_limit = if is_only_delayed { "the delay of a drill" } else { "call_timeout" };
        self.0.circuit.report_inapplicable(if must_wait { "max_wait" } else { delay_or_limit });
        let CallProgress { circuit, ticket, stamp, .. } = self.into_progress();
        if must_wait {
            return Err(circuit.reject_full(ticket));
        }
        let Some(DelayedCall { stamp, end, .. }) = delayed else {
            return Ok(Self::running(Admission::new(circuit, ticket, stamp)));
        };
        let passed = Admission::new(circuit, ticket, stamp).finish_passage(end.then());
        passed.map(Self::running).map_err(|kind| Rejection { circuit, kind })
    }

    /// Returns the next step of the call: waits until it may run, and puts it into the scope of this thread if it
    /// holds a slot.
    pub(super) fn step(&mut self, context: &mut Context<'_>) -> Step {
        match self.poll_slot(context) {
            Poll::Ready(Err(rejected)) => Step::Reject(rejected.kind),
            Poll::Ready(Ok(())) if self.0.stamp.phase() == Phase::Running => {
                self.enter_scope();
                Step::Run
            }
            Poll::Ready(Ok(())) | Poll::Pending => Step::Wait,
        }
    }

    fn enter_scope(&mut self) {
        if self.0.stamp.enters_scope() {
            let CallProgress { circuit, ticket, stamp, .. } = self.0;
            let mut call = Call { circuit, ticket, stamp };
            call.enter_scope();
            self.0.stamp = call.stamp;
        }
    }

    /// Ends the poll of a body that is pending: stores when the call began, removes it from the scope of this
    /// thread, and checks its time limit. A call that is ready at its first poll needs no start, because it
    /// cannot be cancelled. Returns `true` if the call has timed out.
    pub(super) fn suspend(&mut self, context: &mut Context<'_>) -> bool {
        if !self.0.stamp.has_start() {
            self.0.stamp = self.0.stamp.since(self.0.circuit.now());
        } else if self.0.stamp.is_tapped() {
            self.suspend_tapped();
        }
        let CallProgress { circuit, ticket, stamp, ref mut special } = self.0;
        let mut call = Call { circuit, ticket, stamp };
        call.suspend_scope();
        self.0.stamp = call.stamp;
        let Some(special) = special else {
            return false;
        };
        if special.as_mut().poll_limit(context).is_pending() {
            return false;
        }
        // The timer may keep the last reference to a waker, whose drop may panic.
        catch_panic(|| special.set(SpecialCall::TimedOut { stamp: call.stamp }));
        self.0.stamp = Stamp::TIMED_OUT;
        true
    }

    /// Stores the end of the first poll of a tapped call, if its cancellation is measured from there.
    #[cold]
    #[inline(never)]
    fn suspend_tapped(&mut self) {
        let CallProgress { circuit, ticket, ref mut stamp, ref mut special } = self.0;
        let mut call = Call { circuit, ticket, stamp: *stamp };
        let first_poll_ended = call.end_first_poll();
        *stamp = call.stamp;
        let Some(ended) = first_poll_ended else {
            return;
        };
        if let Some(special) = special {
            special.as_mut().set_first_poll_ended(ended);
        } else {
            let tapped = SpecialCall::Limited { limit: Sleep::Never, first_poll_ended: Some(ended) };
            *special = Some(Box::pin(tapped));
        }
    }

    /// Returns the stamp of the call while it was running.
    fn running_stamp(&self) -> Stamp {
        match self.0.special.as_deref() {
            Some(&SpecialCall::TimedOut { stamp }) => stamp,
            Some(SpecialCall::Delayed { call, .. }) => call.stamp.limitable(),
            Some(SpecialCall::Waiting { .. } | SpecialCall::Limited { .. }) | None => self.0.stamp,
        }
    }

    pub(super) const fn circuit(&self) -> &'a Circuit {
        self.0.circuit
    }

    pub(super) const fn special_mut(&mut self) -> Option<&mut Pin<Box<SpecialCall<'a>>>> {
        self.0.special.as_mut()
    }

    /// Returns the call and its delay, and leaves one that has ended. `None` if it is not delayed.
    pub(super) fn take_delayed(&mut self) -> Option<(Admission<'a>, DelayedCall)> {
        let delayed = self.0.special.as_deref().and_then(SpecialCall::delayed)?;
        let CallProgress { circuit, ticket, .. } = self.0;
        self.0.stamp = Stamp::ENDED;
        drop_special(self.0.special.take());
        Some((Admission::new(circuit, ticket, delayed.stamp.limitable()), delayed))
    }

    /// Puts a call that holds a slot into the scope of this thread while the future of the call is dropped,
    /// which may make calls of its own.
    pub(super) fn scope_of_drop(&self) -> Option<CallScope<'a>> {
        let stamp = self.running_stamp();
        let holds_slots = matches!(self.0.stamp.phase(), Phase::Running | Phase::TimedOut | Phase::Delayed);
        let CallProgress { circuit, ticket, .. } = self.0;
        (holds_slots && stamp.enters_scope()).then(|| CallScope::enter(Call { circuit, ticket, stamp }))
    }
}

impl Drop for AsyncCall<'_> {
    fn drop(&mut self) {
        let admission = Admission::new(self.0.circuit, self.0.ticket, self.running_stamp());
        let special = self.0.special.take();
        let first_poll_ended = special.as_deref().and_then(SpecialCall::first_poll_ended);
        match self.0.stamp.phase() {
            Phase::Running | Phase::Delayed => match first_poll_ended {
                Some(ended) => admission.cancelled_since(ended),
                None => admission.cancelled(),
            },
            Phase::MustWait => Admission::new(self.0.circuit, self.0.ticket, Stamp::NONE).cancelled(),
            Phase::TimedOut => admission.time_out(),
            // The permit of a waiting call settles itself.
            Phase::Waiting | Phase::Undecided | Phase::Ended => {}
        }
        drop_special(special);
    }
}

impl<'a> From<AsyncCall<'a>> for StartedCall<'a> {
    #[inline]
    fn from(call: AsyncCall<'a>) -> Self {
        Self::Started(call)
    }
}

#[cfg(test)]
mod tests {
    use super::AsyncCall;

    #[test]
    fn the_guard_of_an_async_call_is_four_words_long() {
        assert_eq!(size_of::<AsyncCall<'_>>(), 4 * size_of::<u64>());
    }
}
