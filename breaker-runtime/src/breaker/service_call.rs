//! A call that owns its circuit and whose future is polled elsewhere: the call of a service.
//!
//! Unlike the call of an annotated function, it always takes a slot of its own, because its response may outlive the
//! calls around it. Inside a call that holds a slot, it does not wait for one. This module knows no service and does
//! not classify results.
//!
//! Invariants: the call is settled at most once; it has no timer before it has been pending once.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::CircuitBreaker;
use super::admission::Admission;
use super::admit::Nesting;
use super::circuit::{Circuit, Rejection};
use super::delayed_call::{Delay, Passing};
use super::failure::FailedOutput;
use super::owned_permit::{OwnedCall, OwnedPermit};
use super::permit::Permit;
use super::stamp::Stamp;
use crate::classifier::Classifier;
use crate::clock::{Moment, Sleep};
use crate::error::{BreakerError, ErrorKind};
use crate::outcome::Outcome;
use crate::sync::catch_panic;

/// An admitted call of a service. Dropping it cancels the call.
#[allow(unreachable_pub, reason = "the sealed trait of `integrations::tower` names it")]
pub struct ServiceCall {
    /// `None` once the call has been settled.
    permit: Option<OwnedPermit>,
    limit: Limit,
    /// The end of the first poll of a tapped call, if its cancellation is measured from there, otherwise never.
    first_poll_ended: Moment,
}

/// The result of starting a call.
pub(crate) enum ServiceStart {
    Admitted(ServiceCall),
    /// The call waits for a bulkhead slot, for at most `max_wait`, or a drill delays it.
    Waiting(SlotRequest),
}

/// The future of a call that waits for a bulkhead slot. Dropping it cancels the call.
pub(crate) type SlotRequest = Pin<Box<dyn Future<Output = Result<ServiceCall, BreakerError>> + Send + Sync>>;

/// The time limit of a call, `call_timeout`.
enum Limit {
    None,
    /// The call has not been pending.
    Until(Moment),
    Timer(Pin<Box<Sleep>>),
}

impl CircuitBreaker {
    /// Starts the call of a service.
    ///
    /// # Errors
    ///
    /// Returns an error if the call is rejected.
    pub(crate) fn start_service_call(&self) -> Result<ServiceStart, BreakerError> {
        let circuit = self.circuit();
        let mut waiting = None;
        let admitted = match circuit.machine.admit_fast() {
            Some(ticket) => Ok(Admission::new(circuit, ticket, Stamp::NONE)),
            None => circuit.admit_restricted(Nesting::Refused, |ticket, _| {
                waiting = Some(ticket);
                Err(ErrorKind::BulkheadFull)
            }),
        };
        if let Some(ticket) = waiting {
            let permit = Permit::waiting(Admission::new(circuit, ticket, Stamp::NONE));
            return Ok(ServiceStart::Waiting(request_slot(OwnedPermit::new(circuit, permit))));
        }
        match admitted {
            Ok(admission) if circuit.is_gated() => start_gated(circuit, admission),
            Ok(admission) => Ok(ServiceStart::Admitted(ServiceCall::new(circuit, admission))),
            Err(kind) => Err(Rejection { circuit, kind }.into()),
        }
    }
}

/// Waits for the bulkhead slot of a call. The permit is inside the future from the start, so a future that is never
/// polled releases its trial slot. The call has neither a time limit nor a delay if it began in a runtime that has shut
/// down.
fn request_slot(mut permit: OwnedPermit) -> SlotRequest {
    Box::pin(async move {
        let circuit = Arc::clone(permit.circuit());
        let admission = circuit.wait_async(permit.take(), Nesting::Refused).await?;
        if !circuit.can_limit(&admission) {
            let passed = circuit.pass_now(admission);
            let admission = passed.map_err(|kind| Rejection { circuit: &circuit, kind })?;
            return Ok(ServiceCall::limited(&circuit, admission, None));
        }
        if !circuit.is_gated() {
            return Ok(ServiceCall::new(&circuit, admission));
        }
        match start_gated(&circuit, admission)? {
            ServiceStart::Admitted(call) => Ok(call),
            ServiceStart::Waiting(delayed) => delayed.await,
        }
    })
}

/// Starts the call of a service, after its passage through the gate of the circuit.
///
/// # Errors
///
/// Returns an error if the gate fails the call.
fn start_gated(circuit: &Arc<Circuit>, admission: Admission<'_>) -> Result<ServiceStart, BreakerError> {
    match circuit.start_passage(admission)? {
        Passing::Passed(admission) => Ok(ServiceStart::Admitted(ServiceCall::new(circuit, admission))),
        Passing::Delayed(mut admission, delay) => {
            circuit.count_delay();
            // The limit includes the delay.
            admission.0.stamp = admission.0.stamp.limitable();
            let permit = OwnedPermit::new(circuit, Permit::waiting(admission));
            Ok(ServiceStart::Waiting(delayed(permit, delay)))
        }
    }
}

/// Waits until the delay of a call has ended. The permit is inside the future from the start, so a future that is
/// dropped cancels the call.
fn delayed(mut permit: OwnedPermit, Delay { timer, end }: Delay) -> SlotRequest {
    Box::pin(async move {
        timer.await;
        let circuit = Arc::clone(permit.circuit());
        let admission = permit.take().into_admission();
        let limit = end.limit_now(&circuit.clock);
        let passed = admission.finish_passage(end.then().within(limit));
        let admission = passed.map_err(|kind| Rejection { circuit: &circuit, kind })?;
        // The runtime of the delay may have shut down.
        let limit = limit.filter(|_| circuit.clock.has_timers());
        Ok(ServiceCall::limited(&circuit, admission, limit))
    })
}

impl ServiceCall {
    fn new(circuit: &Arc<Circuit>, admission: Admission<'_>) -> Self {
        let limit = admission.time_limit();
        Self::limited(circuit, admission, limit)
    }

    /// Returns a call with this time limit.
    fn limited(circuit: &Arc<Circuit>, admission: Admission<'_>, limit: Option<Duration>) -> Self {
        let limit = limit.map_or(Limit::None, |limit| Limit::Until(circuit.now().after(limit)));
        let permit = OwnedPermit::new(circuit, Permit::waiting(admission));
        Self { permit: Some(permit), limit, first_poll_ended: Moment::NEVER }
    }

    /// Runs a part of the call, in which calls of annotated functions run in its slot. If it panics, the call is a
    /// failure, and the panic continues to unwind.
    pub(crate) fn run<T>(&mut self, part: impl FnOnce() -> T) -> T {
        let guard = FailOnPanic(self);
        // The call leaves its scope before the guard releases its slot.
        let output = guard.0.run_in_slot(part);
        mem::forget(guard);
        output
    }

    /// Runs code that is no part of the call, such as the drop of its future, while the call holds its slot. Calls of
    /// annotated functions run in that slot. A panic does not affect the call.
    pub(crate) fn run_in_slot<T>(&self, code: impl FnOnce() -> T) -> T {
        let call = self.permit.as_ref().and_then(OwnedPermit::with_slot);
        let _scope = call.as_ref().map(OwnedCall::enter_scope);
        code()
    }

    /// Ends the poll of a call that is pending: stores when the call began, and polls its time limit. A call that is
    /// dropped before, or that is ready at its first poll, needs no start.
    pub(crate) fn suspend(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if let Some(ended) = self.permit.as_mut().and_then(OwnedPermit::suspend) {
            self.first_poll_ended = ended;
        }
        if let Limit::Until(until) = self.limit {
            self.limit = match self.permit.as_ref().and_then(|permit| permit.circuit().timer(until)) {
                Some(timer) => Limit::Timer(Box::pin(timer)),
                None => Limit::None,
            };
        }
        match &mut self.limit {
            Limit::Timer(timer) => timer.as_mut().poll(context),
            Limit::None | Limit::Until(_) => Poll::Pending,
        }
    }

    /// Settles the call as timed out, and returns its error. `None` if it has been settled.
    pub(crate) fn time_out(&mut self) -> Option<BreakerError> {
        let mut permit = self.permit.take()?;
        let circuit = Arc::clone(permit.circuit());
        permit.take().into_admission().time_out();
        Some(Rejection { circuit: &circuit, kind: ErrorKind::TimedOut }.into())
    }

    /// Settles the call as `classifier` says, unless it has been settled.
    pub(crate) fn settle<T, C: Classifier<T>>(&mut self, output: &T, classifier: &C) {
        let Some(mut permit) = self.permit.take() else {
            return;
        };
        let admission = permit.take().into_admission();
        match classifier.outcome(output) {
            Outcome::Failure => admission.fail(&FailedOutput { output, classifier }),
            outcome @ (Outcome::Success | Outcome::Ignored) => admission.settle_permit(outcome),
        };
    }

    /// Returns the permit of the call, unless it has been settled, and ends its time limit.
    pub(crate) fn take_permit(&mut self) -> Option<OwnedPermit> {
        let permit = self.permit.take();
        // The timer may keep the last reference to a waker, whose drop may panic.
        catch_panic(|| self.limit = Limit::None);
        permit
    }

    /// Returns the call, and leaves one that has been settled.
    pub(crate) fn take(&mut self) -> Self {
        let limit = mem::replace(&mut self.limit, Limit::None);
        Self { permit: self.permit.take(), limit, first_poll_ended: self.first_poll_ended }
    }
}

/// Cancels a tapped call as without taps.
impl Drop for ServiceCall {
    fn drop(&mut self) {
        let Some(permit) = &mut self.permit else {
            return;
        };
        if self.first_poll_ended == Moment::NEVER
            && let Some(now) = permit.now_if_unpolled()
        {
            self.first_poll_ended = now;
        }
        if self.first_poll_ended != Moment::NEVER {
            permit.take().into_admission().cancelled_since(self.first_poll_ended);
        }
    }
}

impl Circuit {
    /// Returns a timer that ends at a moment. Without the feature `tokio` there is none.
    fn timer(&self, until: Moment) -> Option<Sleep> {
        self.clock.alarm(until.wait_from(self.clock.now())?)
    }
}

/// Settles a call that panics.
struct FailOnPanic<'a>(&'a mut ServiceCall);

impl Drop for FailOnPanic<'_> {
    fn drop(&mut self) {
        if let Some(mut permit) = self.0.permit.take() {
            permit.take().into_admission().panicked();
        }
    }
}

impl fmt::Debug for ServiceCall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.permit {
            Some(permit) => permit.fmt(out),
            None => out.write_str("ServiceCall(settled)"),
        }
    }
}
