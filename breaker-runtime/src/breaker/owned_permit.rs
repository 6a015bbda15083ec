//! A permit that owns its circuit. Everything it does is done by the [`Permit`] that it lends.

use std::fmt::{self, Display};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::admission::{Admission, Call};
use super::circuit::Circuit;
use super::permit::{OnDrop, Permit};
use super::stamp::Stamp;
use crate::clock::Moment;
use crate::outcome::{Outcome, Settled};
use crate::state::machine::Ticket;

/// A [`Permit`] that owns a handle to its breaker, for calls that outlive the function that starts them: streams,
/// spawned tasks and callbacks. It is `Send`, `Sync` and `'static`.
///
/// It is settled, dropped and leaked like a [`Permit`]. The circuit of a key is not evicted while it exists.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, Outcome};
///
/// let breaker = CircuitBreaker::new("upload", Config::default())?;
/// let permit = breaker.try_acquire_owned()?;
/// let upload = std::thread::spawn(move || {
///     // the real work
///     permit.settle(Outcome::Success)
/// });
/// upload.join().unwrap();
/// assert_eq!(breaker.snapshot().totals.successes, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a permit that is dropped counts as a cancelled call; settle it"]
pub struct OwnedPermit {
    circuit: Arc<Circuit>,
    ticket: Ticket,
    stamp: Stamp,
    on_drop: OnDrop,
}

/// The data of an admitted call, with a handle to its circuit. Like [`Call`], it has no guard.
pub(super) struct OwnedCall {
    pub(super) circuit: Arc<Circuit>,
    pub(super) ticket: Ticket,
    pub(super) stamp: Stamp,
}

impl OwnedPermit {
    /// Returns the same permission with a handle to its circuit.
    pub(super) fn new(circuit: &Arc<Circuit>, permit: Permit<'_>) -> Self {
        let on_drop = permit.on_drop();
        let Admission(Call { ticket, stamp, .. }) = permit.into_admission();
        Self { circuit: Arc::clone(circuit), ticket, stamp, on_drop }
    }

    /// Ends the call with an outcome; see [`Permit::settle`].
    #[expect(clippy::must_use_candidate, reason = "most callers do not need to know the effect")]
    pub fn settle(mut self, outcome: Outcome) -> Settled {
        self.take().settle(outcome)
    }

    /// Ends the call as a failure with a reason; see [`Permit::fail`].
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("upload", Config::builder().failure_threshold(1).build()?)?;
    /// let permit = breaker.try_acquire_owned()?;
    /// std::thread::spawn(move || permit.fail("the disk is full")).join().unwrap();
    /// let opened = breaker.snapshot().last_transition.unwrap();
    /// assert_eq!(opened.last_failure.as_deref(), Some("the disk is full"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fail(mut self, reason: impl Display) -> Settled {
        self.take().fail(reason)
    }

    /// Ends the call as a failure with a reason and the time to wait; see [`Permit::fail_with_retry_after`].
    pub fn fail_with_retry_after(mut self, reason: impl Display, retry_after: Duration) -> Settled {
        self.take().fail_with_retry_after(reason, retry_after)
    }

    /// Returns `true` if this call is a trial call of a half-open circuit.
    #[must_use]
    pub fn is_trial(&self) -> bool {
        self.ticket.trial().is_some()
    }

    /// Stores the current time as the start of a call whose poll is pending, unless its start is known. Returns the end
    /// of the first poll of a tapped call, if its cancellation is measured from there.
    #[allow(dead_code, reason = "only the integration `tower` uses it")]
    pub(super) fn suspend(&mut self) -> Option<Moment> {
        let mut call = Call { circuit: &self.circuit, ticket: self.ticket, stamp: self.stamp };
        let first_poll_ended = if call.stamp.is_tapped() {
            call.end_first_poll()
        } else {
            call.set_start();
            None
        };
        self.stamp = call.stamp;
        first_poll_ended
    }

    /// Returns the current time if this is a tapped call that was never polled, and whose cancellation would have no
    /// duration without taps.
    #[allow(dead_code, reason = "only the integration `tower` uses it")]
    pub(super) fn now_if_unpolled(&self) -> Option<Moment> {
        let mut call = Call { circuit: &self.circuit, ticket: self.ticket, stamp: self.stamp };
        if call.stamp.is_tapped() { call.end_first_poll() } else { None }
    }

    /// Returns the call for a guard of another kind. Its circuit is cloned, because a type with `Drop` cannot be taken
    /// apart.
    pub(super) fn into_owned_call(mut self) -> OwnedCall {
        self.on_drop = OnDrop::Settled;
        OwnedCall { circuit: Arc::clone(&self.circuit), ticket: self.ticket, stamp: self.stamp }
    }

    /// Returns the call, if it holds a slot in which calls inside it run.
    #[allow(dead_code, reason = "only the integration `tower` uses it")]
    pub(super) fn with_slot(&self) -> Option<OwnedCall> {
        OwnedCall::with_slot(&self.circuit, self.ticket, self.stamp)
    }

    pub(super) const fn circuit(&self) -> &Arc<Circuit> {
        &self.circuit
    }

    /// Moves the permission into a permit that borrows the circuit.
    pub(super) fn take(&mut self) -> Permit<'_> {
        let on_drop = mem::replace(&mut self.on_drop, OnDrop::Settled);
        Permit::with(Admission::new(&self.circuit, self.ticket, self.stamp), on_drop)
    }
}

impl fmt::Debug for OwnedPermit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.circuit.write_permit("OwnedPermit", self.is_trial(), out)
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        drop(self.take());
    }
}
