//! A call that waits for a bulkhead slot: it blocks its thread, or is a future.
//!
//! A waiting call decides again when it is woken, and now and then by itself. It checks for an outer call with a slot,
//! for a free slot, for a change of the state and for new settings. Each change of the state or of the settings wakes
//! it. It enters the queue before it reads the state, so it misses none.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::admission::{Admission, AdmitResult, Call};
use super::admit::Nesting;
use super::bulkhead::{Attempt, FullPolicy, QueuedCall};
use super::circuit::{Circuit, Rejection};
use super::options::CircuitOptions;
use super::permit::Permit;
use super::stamp::Stamp;
use super::wait_timers::{NoTimer, WaitEnds, WaitTimers};
use crate::clock::{BlockedTime, Moment};
use crate::error::ErrorKind;
use crate::state::machine::Ticket;
use crate::sync::blocked_thread::BlockedThread;

/// A call that waits for a bulkhead slot. Dropping it cancels the call.
struct SlotWait<'a> {
    // Dropped first, so that the call has left the queue when it is settled.
    queued: QueuedCall<'a>,
    options: &'a CircuitOptions,
    permit: Permit<'a>,
    nesting: Nesting,
    since: Moment,
    /// The moment at which `max_wait` ends.
    deadline: Moment,
    /// The moment at which the call renews the lease of its trial slot; never if it has none.
    renewal: Moment,
}

/// Shortest pause between two renewals of a lease. A shorter lease may end while its call waits.
const MIN_RENEWAL: Duration = Duration::from_millis(1);

/// The result of a check.
enum WaitProgress<'a> {
    /// The call waits.
    Waiting(SlotWait<'a>),
    Decided(WaitResult<'a>),
}

/// The admission or the rejection of a call that waits no longer.
type WaitResult<'a> = Result<Admission<'a>, ErrorKind>;

impl Circuit {
    /// Waits for a bulkhead slot for at most `max_wait`, and admits or rejects the call. The call may be
    /// cancelled while it waits, and its permit then releases the slot of a trial call.
    pub(super) async fn wait_async<'a>(&'a self, permit: Permit<'a>, nesting: Nesting) -> AdmitResult<'a> {
        let decision = match self.options.get() {
            Some(options) => SlotWait::new(options, permit, nesting, self.clock.now()).decide().await,
            // Only a circuit with options has a limit.
            None => Ok(permit.into_admission()),
        };
        decision.map_err(|kind| Rejection { circuit: self, kind })
    }

    /// Blocks this thread until a call has a bulkhead slot, for at most `max_wait`, and admits or rejects it.
    #[cold]
    #[inline(never)]
    pub(super) fn wait_blocking<'a>(&'a self, ticket: Ticket, options: &'a CircuitOptions) -> WaitResult<'a> {
        let permit = Permit::waiting(Admission::new(self, ticket, Stamp::NONE));
        let (time, thread) = (BlockedTime::new(&self.clock), BlockedThread::new());
        let mut wait = SlotWait::new(options, permit, Nesting::Allowed, time.now());
        loop {
            wait = match wait.check(thread.waker(), time.now()) {
                WaitProgress::Waiting(wait) => wait,
                WaitProgress::Decided(decision) => return decision,
            };
            let (next, now) = (wait.next_check(), time.now());
            // While tokio's clock is paused, the time of this thread may be later than the end of a lease.
            let next = if next > now { next } else { now.after(MIN_RENEWAL) };
            time.block_until(next, &thread);
        }
    }

    /// Admits a call that has waited for its bulkhead slot, unless the circuit would reject it now: the dependency
    /// may have failed meanwhile, or the lease of a trial call may have ended.
    fn admit_after_wait<'a>(
        &'a self,
        ticket: Ticket,
        options: &CircuitOptions,
        nesting: Nesting,
    ) -> WaitResult<'a> {
        let hung = self.open_if_hung();
        let decision = self.machine.admit_again(ticket, &self.clock);
        let pending = hung.or(decision.pending);
        // Listeners of a rejection may make calls, which run in the slot that this call still holds.
        let mut waited = Call { circuit: self, ticket, stamp: Stamp::IN_BULKHEAD };
        let admitted = match decision.ticket {
            // A ramp has begun while the call waited.
            Ok(again) if again.generation() != ticket.generation() && !self.is_in_share(again, nesting) => {
                waited.run_in_scope(|| self.reject_by_ramp())
            }
            Ok(again) => Ok(again),
            Err(state) => waited.run_in_scope(|| self.reject_by_state(state)),
        };
        let needs_slot = admitted.is_ok_and(Ticket::is_tracked);
        if !needs_slot {
            options.release_slot(&self.clock);
        }
        let stamp = if needs_slot { Stamp::IN_BULKHEAD } else { Stamp::NONE };
        let mut admitted = admitted.map(|ticket| self.start(ticket, stamp));
        match &mut admitted {
            Ok(Admission(call)) => call.run_in_scope(|| self.notify_if(pending)),
            Err(_) => self.notify_if(pending),
        }
        admitted
    }

    /// Admits a call that has waited, without a slot, because the breaker rejects no calls any more. The lease of a
    /// trial call begins now.
    fn admit_in_shadow_after_wait<'a>(&'a self, ticket: Ticket, options: &CircuitOptions) -> WaitResult<'a> {
        let decision = self.machine.admit_again(ticket, &self.clock);
        let admitted = decision.ticket.or_else(|state| self.reject_by_state(state));
        self.notify_if(decision.pending);
        admitted.map(|ticket| {
            // A call that the state would reject has been counted.
            if ticket.is_tracked() {
                self.admit_in_shadow(ticket, options)
            } else {
                self.start(ticket, Stamp::NONE)
            }
        })
    }
}

impl<'a> SlotWait<'a> {
    fn new(options: &'a CircuitOptions, permit: Permit<'a>, nesting: Nesting, since: Moment) -> Self {
        let queued = options.queued_call(&permit.circuit().clock);
        let renewal = first_renewal(permit.ticket());
        Self { queued, options, permit, nesting, since, deadline: Moment::NEVER, renewal }
    }

    /// Waits for the decision.
    async fn decide(self) -> WaitResult<'a> {
        let mut state = Some(self);
        let mut timers = pin!(WaitTimers::new());
        poll_fn(|context| {
            while let Some(wait) = state.take() {
                let circuit = wait.circuit();
                let wait = match wait.check(context.waker(), circuit.clock.now()) {
                    WaitProgress::Waiting(wait) => wait,
                    WaitProgress::Decided(decision) => {
                        timers.as_mut().clear();
                        return Poll::Ready(decision);
                    }
                };
                let ends = WaitEnds { deadline: wait.deadline, check: wait.next_check() };
                if let Err(NoTimer) = timers.as_mut().set(&circuit.clock, ends) {
                    return Poll::Ready(wait.reject());
                }
                state = Some(wait);
                if timers.as_mut().poll(context).is_pending() {
                    break;
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Decides whether the call still waits.
    fn check(mut self, waker: &Waker, now: Moment) -> WaitProgress<'a> {
        if self.circuit().is_in_bulkhead() {
            return WaitProgress::Decided(self.decide_inside_call());
        }
        let attempt = self.queued.take_turn(waker, now);
        let (circuit, options, nesting) = (self.circuit(), self.options, self.nesting);
        if attempt == Attempt::Acquired {
            return WaitProgress::Decided(circuit.admit_after_wait(self.end(), options, nesting));
        }
        circuit.notify_if(circuit.open_if_hung());
        if !circuit.machine.is_current(self.permit.ticket(), &circuit.clock) || !self.keep_trial(now) {
            self = match self.readmit() {
                WaitProgress::Waiting(wait) => wait,
                decided @ WaitProgress::Decided(_) => return decided,
            };
            _ = self.keep_trial(now);
        }
        match attempt {
            Attempt::Full(FullPolicy::Wait(max_wait)) => {
                self.deadline = self.since.after(max_wait);
                if now < self.deadline {
                    WaitProgress::Waiting(self)
                } else {
                    WaitProgress::Decided(self.reject())
                }
            }
            Attempt::Full(FullPolicy::Reject) => WaitProgress::Decided(self.reject()),
            Attempt::Full(FullPolicy::Admit) | Attempt::Acquired => {
                WaitProgress::Decided(circuit.admit_in_shadow_after_wait(self.end(), options))
            }
        }
    }

    /// Decides about a call that is polled inside a call that holds a slot. If it waited, each of the two could wait
    /// for the other. It runs in the slot of that call, unless it needs one of its own.
    fn decide_inside_call(self) -> WaitResult<'a> {
        let (circuit, nesting) = (self.circuit(), self.nesting);
        circuit.abandon_trial(self.end());
        circuit.admit_restricted_now(nesting)
    }

    /// Decides about a call whose circuit has changed its state, as if the call arrived now. It keeps its position.
    fn readmit(self) -> WaitProgress<'a> {
        let Self { mut queued, options, permit, nesting, since, deadline, .. } = self;
        let Admission(Call { circuit, ticket, .. }) = permit.into_admission();
        // A trial call has lost its slot, unless another thread has extended the lease that had ended.
        circuit.abandon_trial(ticket);
        match circuit.admit_by_state(nesting) {
            Ok(ticket) if ticket.is_tracked() && !ticket.is_nested() => {
                let permit = Permit::waiting(Admission::new(circuit, ticket, Stamp::NONE));
                let renewal = first_renewal(ticket);
                WaitProgress::Waiting(Self { queued, options, permit, nesting, since, deadline, renewal })
            }
            admitted => {
                queued.leave();
                WaitProgress::Decided(admitted.map(|ticket| circuit.start(ticket, Stamp::NONE)))
            }
        }
    }

    /// Renews the lease of a trial call when half of it is over, because the call cannot end while it waits. Returns
    /// `false` if the call has lost its slot.
    fn keep_trial(&mut self, now: Moment) -> bool {
        let circuit = self.circuit();
        let Some(trial) = self.permit.ticket().trial().filter(|_| self.renewal <= now) else {
            return true;
        };
        let lease = circuit.machine.renew_lease(trial, &circuit.clock);
        self.renewal = lease.map_or(self.renewal, |lease| now.after((lease / 2).max(MIN_RENEWAL)));
        lease.is_some()
    }

    fn reject(self) -> WaitResult<'a> {
        let circuit = self.circuit();
        Err(circuit.reject_full(self.end()).kind)
    }

    /// Ends the wait, and returns the ticket of the call.
    fn end(self) -> Ticket {
        let Self { mut queued, permit, .. } = self;
        queued.leave();
        let Admission(Call { ticket, .. }) = permit.into_admission();
        ticket
    }

    /// Returns the moment at which the call checks again even if it is not woken.
    fn next_check(&self) -> Moment {
        let circuit = self.circuit();
        let change = circuit.overdue().min(circuit.machine.lease_ends());
        self.deadline.min(self.queued.next_check()).min(self.renewal).min(change)
    }

    const fn circuit(&self) -> &'a Circuit {
        self.permit.circuit()
    }
}

/// Returns when a waiting call renews its lease for the first time: at once if it is a trial call.
fn first_renewal(ticket: Ticket) -> Moment {
    if ticket.trial().is_some() { Moment::from_nanos(0) } else { Moment::NEVER }
}
