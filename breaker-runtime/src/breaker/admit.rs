//! Admission, the first half of every call. A disabled circuit, and a closed one that is not tracked, admit a call
//! after one load of the word. Every other circuit checks its state first and its bulkhead second.

use std::time::Duration;

use super::admission::{Admission, AdmitResult, Call};
use super::bulkhead::{Attempt, Bulkhead, FullPolicy};
use super::circuit::{Circuit, Rejection};
use super::future::AsyncCall;
use super::options::CircuitOptions;
use super::permit::Permit;
use super::stamp::Stamp;
use crate::error::ErrorKind;
use crate::state::State;
use crate::state::machine::{Pending, Ticket};
use crate::totals::{Rare, Total};

/// The bulkhead that limits a call, and the options that it belongs to.
struct ActiveBulkhead<'a> {
    options: &'a CircuitOptions,
    bulkhead: &'a Bulkhead,
}

/// Whether a call may run in the slot of a call around it. The owner of a permit may settle it after the outer
/// call has ended, so a permit needs a slot of its own.
#[derive(Clone, Copy)]
pub(super) enum Nesting {
    Allowed,
    Refused,
}

impl Circuit {
    /// Admits or rejects the call of a permit, which does not wait.
    #[inline]
    pub(crate) fn try_admit(&self) -> AdmitResult<'_> {
        self.admit_with(|| self.admit_restricted_now())
    }

    /// Admits or rejects a call, and blocks the thread while the call waits for a bulkhead slot.
    #[inline]
    pub(crate) fn admit_blocking(&self) -> AdmitResult<'_> {
        self.admit_with(|| self.admit_restricted_blocking())
    }

    #[inline]
    fn admit_with<'a>(
        &'a self,
        admit_restricted: impl FnOnce() -> Result<Admission<'a>, ErrorKind>,
    ) -> AdmitResult<'a> {
        // The admission is split and rebuilt, so that the fast path keeps every part in a register.
        let admitted = match self.machine.admit_fast() {
            Some(ticket) => Ok((ticket, Stamp::NONE)),
            None => admit_restricted().map(|Admission(Call { ticket, stamp, .. })| (ticket, stamp)),
        };
        match admitted {
            Ok((ticket, stamp)) => Ok(self.admission(ticket, stamp)),
            Err(kind) => Err(Rejection { circuit: self, kind }),
        }
    }

    /// Starts an async call. The fast path admits it now; otherwise its admission is decided when it is polled.
    #[inline]
    pub(crate) fn start_async(&self) -> AsyncCall<'_> {
        match self.machine.admit_fast() {
            Some(ticket) => AsyncCall::running(self.admission(ticket, Stamp::NONE)),
            None => AsyncCall::undecided(self.off_the_fast_path()),
        }
    }

    /// Returns this circuit. The call keeps the compiler from merging the fast path with the other one.
    #[cold]
    #[inline(never)]
    const fn off_the_fast_path(&self) -> &Self {
        self
    }

    /// Admits or rejects an async call that the fast path has not admitted, unless it must wait for a bulkhead
    /// slot.
    #[cold]
    #[inline(never)]
    pub(super) fn start_async_restricted(&self) -> AsyncCall<'_> {
        let ticket = match self.admit_by_state(Nesting::Allowed) {
            Ok(ticket) => ticket,
            Err(kind) => return AsyncCall::started(Err(Rejection { circuit: self, kind })),
        };
        let Some(active) = self.active_bulkhead(ticket, Nesting::Allowed) else {
            return AsyncCall::started(Ok(self.start(ticket, Stamp::NONE)));
        };
        let admitted = match active.bulkhead.try_acquire(&self.clock) {
            Attempt::Acquired => Ok(self.start(ticket, Stamp::IN_BULKHEAD)),
            // A call that does not wait needs no timer, and therefore no tokio runtime.
            Attempt::Full(FullPolicy::Wait(_)) => {
                return AsyncCall::waiting(Permit::waiting(self.admission(ticket, Stamp::NONE)));
            }
            Attempt::Full(FullPolicy::Reject) => Err(self.reject_full(ticket)),
            Attempt::Full(FullPolicy::Admit) => Ok(self.admit_in_shadow(ticket, active.options)),
        };
        AsyncCall::started(admitted)
    }

    /// Waits for a bulkhead slot for at most `max_wait`, and admits or rejects the call. The call may be
    /// cancelled while it waits, and its permit then releases the slot of a trial call.
    pub(super) async fn wait_async<'a>(&'a self, waiting: Permit<'a>) -> AdmitResult<'a> {
        let ticket = waiting.ticket();
        let Some(active) = self.active_bulkhead(ticket, Nesting::Allowed) else {
            // The limit has been removed.
            _ = waiting.into_admission();
            return Ok(self.start(ticket, Stamp::NONE));
        };
        // The settings may have changed since the call found the bulkhead full.
        let has_slot = match active.bulkhead.try_acquire(&self.clock) {
            Attempt::Acquired => true,
            Attempt::Full(FullPolicy::Wait(limit)) => {
                active.bulkhead.acquire_within(limit, &self.clock).await
            }
            Attempt::Full(FullPolicy::Reject) => false,
            Attempt::Full(FullPolicy::Admit) => {
                _ = waiting.into_admission();
                return Ok(self.admit_in_shadow(ticket, active.options));
            }
        };
        _ = waiting.into_admission();
        let admitted = if has_slot {
            self.admit_after_wait(ticket, active.options)
        } else {
            self.reject_after_wait(ticket, active.options)
        };
        admitted.map_err(|kind| Rejection { circuit: self, kind })
    }

    /// Admits or rejects a call that the fast path has not admitted. `wait` may block until a bulkhead slot is
    /// free, for at most the given time, and returns `true` if the call has one.
    #[inline]
    fn admit_restricted(
        &self,
        nesting: Nesting,
        wait: impl FnOnce(&Bulkhead, Duration) -> bool,
    ) -> Result<Admission<'_>, ErrorKind> {
        let ticket = self.admit_by_state(nesting)?;
        let Some(active) = self.active_bulkhead(ticket, nesting) else {
            return Ok(self.start(ticket, Stamp::NONE));
        };
        match active.bulkhead.try_acquire(&self.clock) {
            Attempt::Acquired => Ok(self.start(ticket, Stamp::IN_BULKHEAD)),
            Attempt::Full(FullPolicy::Wait(limit)) if wait(active.bulkhead, limit) => {
                self.admit_after_wait(ticket, active.options)
            }
            Attempt::Full(FullPolicy::Wait(_)) => self.reject_after_wait(ticket, active.options),
            Attempt::Full(FullPolicy::Reject) => Err(self.reject_full(ticket).kind),
            Attempt::Full(FullPolicy::Admit) => Ok(self.admit_in_shadow(ticket, active.options)),
        }
    }

    /// Admits or rejects a call that does not wait.
    #[cold]
    #[inline(never)]
    fn admit_restricted_now(&self) -> Result<Admission<'_>, ErrorKind> {
        self.admit_restricted(Nesting::Refused, |_, _| false)
    }

    /// Admits or rejects a call that runs on this thread until its end.
    #[cold]
    #[inline(never)]
    fn admit_restricted_blocking(&self) -> Result<Admission<'_>, ErrorKind> {
        let wait = |bulkhead: &Bulkhead, limit| bulkhead.acquire_blocking(limit, &self.clock);
        self.admit_restricted(Nesting::Allowed, wait).map(Admission::scoped)
    }

    /// Returns the bulkhead, if it limits this call. It does not limit a call inside a call that has a slot.
    #[inline]
    fn active_bulkhead(&self, ticket: Ticket, nesting: Nesting) -> Option<ActiveBulkhead<'_>> {
        let options = self.options.get()?;
        let bulkhead = options.bulkhead()?;
        let runs_in_slot = match nesting {
            Nesting::Allowed => ticket.is_nested() || self.is_in_bulkhead(),
            Nesting::Refused => false,
        };
        let needs_slot = ticket.is_tracked() && !runs_in_slot;
        needs_slot.then_some(ActiveBulkhead { options, bulkhead })
    }

    /// Rejects a call that got no bulkhead slot while it waited, unless the mode has become shadow meanwhile.
    fn reject_after_wait(
        &self,
        ticket: Ticket,
        options: &CircuitOptions,
    ) -> Result<Admission<'_>, ErrorKind> {
        if options.is_shadow() {
            return Ok(self.admit_in_shadow(ticket, options));
        }
        Err(self.reject_full(ticket).kind)
    }

    /// Admits a call without a bulkhead slot, and counts a shadow rejection.
    fn admit_in_shadow(&self, ticket: Ticket, options: &CircuitOptions) -> Admission<'_> {
        options.count_shadow_rejection();
        self.start(ticket, Stamp::NONE)
    }

    /// Rejects a call that gets no bulkhead slot.
    pub(super) fn reject_full(&self, ticket: Ticket) -> Rejection<'_> {
        self.abandon_trial(ticket);
        self.counters.add(Total::Rare(Rare::Bulkhead));
        Rejection { circuit: self, kind: ErrorKind::BulkheadFull }
    }

    /// Admits a call that has waited for its bulkhead slot, unless the circuit would reject it now: the dependency
    /// may have failed meanwhile, or the lease of a trial call may have ended.
    fn admit_after_wait(&self, ticket: Ticket, options: &CircuitOptions) -> Result<Admission<'_>, ErrorKind> {
        let hung = self.open_if_hung();
        let decision = self.machine.admit_again(ticket, &self.clock);
        let pending = hung.or(decision.pending);
        let admitted = match decision.ticket {
            // The ramp has begun while the call waited.
            Ok(again) if again.generation() != ticket.generation() => {
                self.admit_by_ramp(again, Nesting::Allowed)
            }
            Ok(again) => Ok(again),
            Err(state) => self.reject(state),
        };
        let needs_slot = admitted.is_ok_and(Ticket::is_tracked);
        if !needs_slot {
            options.release_slot(&self.clock);
        }
        let stamp = if needs_slot { Stamp::IN_BULKHEAD } else { Stamp::NONE };
        let mut admitted = admitted.map(|ticket| self.start(ticket, stamp));
        // The listeners may make calls, which run in the slot that this call holds already.
        if let (Ok(Admission(call)), Pending::Transitions) = (&mut admitted, pending)
            && call.stamp.holds_slot()
        {
            call.enter_scope();
        }
        self.notify_if(pending);
        if let Ok(Admission(call)) = &mut admitted {
            call.suspend_scope();
        }
        admitted
    }

    /// Admits or rejects a call by the state of the circuit, after the fast path has not admitted it.
    #[inline]
    fn admit_by_state(&self, nesting: Nesting) -> Result<Ticket, ErrorKind> {
        self.machine.admit_tracked().map_or_else(|| self.admit_or_reject(nesting), Ok)
    }

    #[inline(never)]
    fn admit_or_reject(&self, nesting: Nesting) -> Result<Ticket, ErrorKind> {
        match self.machine.reject_fast(&self.clock) {
            Some(State::HalfOpen) => {
                self.ticket_in_slot(nesting).map_or_else(|| self.reject(State::HalfOpen), Ok)
            }
            Some(state) => self.reject(state),
            None => self.ticket_in_slot(nesting).map_or_else(|| self.admit_with_checks(nesting), Ok),
        }
    }

    /// Returns the ticket of a call that runs in the slot of a trial call around it.
    #[cold]
    fn ticket_in_slot(&self, nesting: Nesting) -> Option<Ticket> {
        match nesting {
            Nesting::Allowed => self.nested_ticket(),
            Nesting::Refused => None,
        }
    }

    #[inline(never)]
    pub(super) fn admit_locked(&self) -> Result<Ticket, ErrorKind> {
        let decision = self.machine.admit_locked(&self.clock);
        self.notify_if(decision.pending);
        decision.ticket.or_else(|state| self.reject(state))
    }

    /// Counts the rejection, or admits the call in shadow mode.
    #[inline]
    fn reject(&self, state: State) -> Result<Ticket, ErrorKind> {
        if let Some(options) = self.options.get()
            && options.is_shadow()
        {
            options.count_shadow_rejection();
            return Ok(Ticket::SHADOW);
        }
        let (total, kind) = match state {
            State::HalfOpen => (Total::Rare(Rare::HalfOpen), ErrorKind::HalfOpen),
            State::ForcedOpen => (Total::Rare(Rare::ForcedOpen), ErrorKind::ForcedOpen),
            // Closed and Disabled never reject.
            State::Open | State::Closed | State::Disabled => (Total::Open, ErrorKind::Open),
        };
        self.counters.add(total);
        Err(kind)
    }

    /// Returns the admission of a call that starts now.
    #[inline]
    fn start(&self, ticket: Ticket, stamp: Stamp) -> Admission<'_> {
        let is_timed = ticket.is_tracked() && self.options.get().is_some_and(CircuitOptions::is_timed);
        let stamp = if is_timed { stamp.started_at(self.clock.start()) } else { stamp };
        if ticket.is_checked() {
            return self.start_checked(ticket, stamp);
        }
        let stamp = if ticket.trial().is_some() { self.start_trial(stamp) } else { stamp };
        self.admission(ticket, stamp)
    }

    /// Returns the stamp of a trial call. Its start is always known, because a late success may prove that the
    /// leases are too short.
    #[cold]
    fn start_trial(&self, stamp: Stamp) -> Stamp {
        let stamp = stamp.of_trial();
        if stamp.has_start() { stamp } else { stamp.since(self.clock.now()) }
    }

    #[inline]
    const fn admission(&self, ticket: Ticket, stamp: Stamp) -> Admission<'_> {
        Admission::new(self, ticket, stamp)
    }
}
