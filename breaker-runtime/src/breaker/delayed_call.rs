//! The delay of calls that do not block a thread: of async calls, and of the calls of services.
//!
//! The delay is a part of the call. It holds the slots of the call, and `call_timeout` includes it. A call that is
//! dropped during its delay is a cancelled call.

use std::task::{Context, Poll, ready};

use super::admission::Admission;
use super::async_call::AsyncCall;
use super::circuit::{Circuit, Rejection};
use super::gate::{DelayEnd, Passage};
use super::special_call::{Counted, DelayedCall, SpecialCall};
use super::stamp::Stamp;
use crate::clock::Sleep;

/// A delay that begins now.
pub(super) struct Delay {
    pub(super) timer: Sleep,
    pub(super) end: DelayEnd,
}

/// An admitted call that is delayed, or that has ended its passage.
pub(super) enum Passing<'a> {
    Delayed(Admission<'a>, Delay),
    Passed(Admission<'a>),
}

impl Circuit {
    /// Starts an admitted async call, after its passage through the gate of the circuit.
    #[inline]
    pub(super) fn start_async_admitted<'a>(
        &'a self,
        admission: Admission<'a>,
    ) -> Result<AsyncCall<'a>, Rejection<'a>> {
        if self.is_gated() { self.start_async_gated(admission) } else { Ok(AsyncCall::admitted(admission)) }
    }

    /// Starts an async call that has waited for its slot. It has neither a time limit nor a delay if it began in a
    /// runtime that has shut down.
    pub(super) fn start_async_after_wait<'a>(
        &'a self,
        admission: Admission<'a>,
    ) -> Result<AsyncCall<'a>, Rejection<'a>> {
        if self.can_limit(&admission) {
            return self.start_async_admitted(admission);
        }
        let admitted = self.pass_now(admission).map_err(|kind| Rejection { circuit: self, kind })?;
        Ok(AsyncCall::running(admitted))
    }

    /// Returns `true` if a call that has waited needs no timer, or can have one. Its runtime may have shut down.
    pub(super) fn can_limit(&self, admission: &Admission<'_>) -> bool {
        admission.time_limit().is_none() || self.clock.has_timers()
    }

    #[cold]
    #[inline(never)]
    fn start_async_gated<'a>(&'a self, admission: Admission<'a>) -> Result<AsyncCall<'a>, Rejection<'a>> {
        let (admission, Delay { timer, end }) = match self.start_passage(admission)? {
            Passing::Passed(admission) => return Ok(AsyncCall::admitted(admission)),
            Passing::Delayed(admission, delay) => (admission, delay),
        };
        let (ticket, stamp) = (admission.0.ticket, admission.0.stamp);
        let call = DelayedCall { stamp, end, counted: Counted::No };
        let special = Some(Box::pin(SpecialCall::Delayed { timer, call }));
        Ok(AsyncCall::new(self, ticket, Stamp::DELAYED, special))
    }

    /// Begins the delay of a call, if the call has one. Without a runtime with timers, there is none. The caller counts
    /// the delay.
    pub(super) fn start_passage<'a>(
        &'a self,
        mut admission: Admission<'a>,
    ) -> Result<Passing<'a>, Rejection<'a>> {
        let limit = admission.time_limit();
        let Passage { delay, then } = self.passage(&mut admission);
        let wait = limit.map_or(delay, |limit| limit.min(delay));
        let timer = if delay.is_zero() { None } else { self.clock.delay(wait) };
        let Some(timer) = timer else {
            let passed = admission.finish_passage(then).map(Passing::Passed);
            return passed.map_err(|kind| Rejection { circuit: self, kind });
        };
        admission.0.set_start();
        let (until, limit) = (self.clock.now().after(wait), limit.map(|limit| limit.saturating_sub(delay)));
        Ok(Passing::Delayed(admission, Delay { timer, end: DelayEnd::new(until, then, limit) }))
    }
}

impl<'a> AsyncCall<'a> {
    /// Polls the delay of a delayed call. After the delay, the call runs, or has ended.
    pub(super) fn poll_delay(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Rejection<'a>>> {
        let circuit = self.circuit();
        if let Some(special) = self.special_mut() {
            ready!(special.as_mut().poll_delay(circuit, context));
        }
        Poll::Ready(self.end_delay())
    }

    /// Ends the delay of a delayed call. The call then runs, or has ended.
    fn end_delay(&mut self) -> Result<(), Rejection<'a>> {
        let Some((admission, delayed)) = self.take_delayed() else {
            return Ok(());
        };
        let (circuit, end) = (admission.circuit(), delayed.end);
        let limit = end.limit_now(&circuit.clock);
        let passed = admission.finish_passage(end.then().within(limit));
        let admission = passed.map_err(|kind| Rejection { circuit, kind })?;
        *self = Self::limited(admission, limit.filter(|_| circuit.clock.has_timers()));
        Ok(())
    }
}
