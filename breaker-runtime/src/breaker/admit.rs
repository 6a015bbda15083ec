//! Admission, the first half of every call. A disabled circuit, and a closed one that is not tracked, admit a call
//! after one load of the word. Every other circuit checks its state first and its bulkhead second.
//!
//! ```text
//! try_admit, admit_blocking, start_async   the fast path: Machine::admit_fast
//! └ decide                                 two frequent cases, without a lock:
//!   ├ admit_to_slot                        closed, and a bulkhead slot is free
//!   ├ decide_while_open                    open, and not nearly due
//!   └ admit_restricted                     every other call:
//!     ├ admit_by_state                     its state: trial slots, checks, shadow mode, max_open
//!     └ active_bulkhead                    its bulkhead: acquire, wait, reject, or admit in shadow mode
//! ```
//!
//! `decide_now`, `decide_blocking` and `decide_polled` start the second step for permits, sync calls and async calls.
//! Async calls take the third one in `start_async_restricted`, because they wait without blocking the thread.

use super::admission::{Admission, AdmitResult};
use super::async_call::AsyncCall;
use super::bulkhead::{Attempt, Bulkhead, FullPolicy};
use super::circuit::{Circuit, Rejection};
use super::decision::Decision;
use super::options::CircuitOptions;
use super::stamp::Stamp;
use crate::error::ErrorKind;
use crate::state::State;
use crate::state::machine::{Glance, OpenWord, Ticket};
use crate::totals::{Rare, Total};

/// The bulkhead that limits a call, and the options that it belongs to.
struct ActiveBulkhead<'a> {
    options: &'a CircuitOptions,
    bulkhead: &'a Bulkhead,
}

/// The counter and the error kind of a rejection by the state.
struct Rejected {
    total: Total,
    kind: ErrorKind,
}

impl Rejected {
    #[inline]
    const fn by(state: State) -> Self {
        let (total, kind) = match state {
            State::HalfOpen => (Total::Rare(Rare::HalfOpen), ErrorKind::HalfOpen),
            State::ForcedOpen => (Total::Rare(Rare::ForcedOpen), ErrorKind::ForcedOpen),
            // Closed and Disabled never reject.
            State::Open | State::Closed | State::Disabled => (Total::Open, ErrorKind::Open),
        };
        Self { total, kind }
    }
}

/// Permission of a call to run in the slot of a call around it. A permit has none, because its owner may settle it
/// after the outer call has ended.
#[derive(Clone, Copy)]
pub(super) enum Nesting {
    Allowed,
    Refused,
}

impl Circuit {
    /// Admits or rejects the call of a permit, which does not wait.
    #[inline]
    pub(crate) fn try_admit(&self) -> AdmitResult<'_> {
        self.admit_with(|| self.decide_now())
    }

    /// Admits or rejects a call, and blocks the thread while the call waits for a bulkhead slot.
    #[inline]
    pub(crate) fn admit_blocking(&self) -> AdmitResult<'_> {
        self.admit_with(|| self.decide_blocking())
    }

    #[inline]
    fn admit_with(&self, decide: impl FnOnce() -> Decision) -> AdmitResult<'_> {
        let admitted = match self.machine.admit_fast() {
            Some(ticket) => Ok((ticket, Stamp::NONE)),
            None => decide().into_result(),
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
    pub(super) fn start_async_restricted(&self) -> Result<AsyncCall<'_>, Rejection<'_>> {
        let admitted = self.admit_by_state(Nesting::Allowed);
        let ticket = admitted.map_err(|kind| Rejection { circuit: self, kind })?;
        let Some(active) = self.active_bulkhead(ticket, Nesting::Allowed) else {
            return self.start_async_admitted(self.start(ticket, Stamp::NONE));
        };
        self.start_async_admitted(match active.bulkhead.try_acquire(&self.clock) {
            Attempt::Acquired => self.start(ticket, Stamp::IN_BULKHEAD),
            // A call that does not wait needs no timer, and therefore no tokio runtime.
            Attempt::Full(FullPolicy::Wait(_)) => return Ok(AsyncCall::waiting(self, ticket)),
            Attempt::Full(FullPolicy::Reject) => return Err(self.reject_full(ticket)),
            Attempt::Full(FullPolicy::Admit) => self.admit_in_shadow(ticket, active.options),
        })
    }

    /// Admits or rejects a call that the fast path has not admitted. `wait` decides about a call that finds no free
    /// bulkhead slot and may wait for one.
    #[expect(
        clippy::inline_always,
        reason = "its callers are cold, and the compiler inlines little into such functions"
    )]
    #[inline(always)]
    pub(super) fn admit_restricted<'a>(
        &'a self,
        nesting: Nesting,
        wait: impl FnOnce(Ticket, &'a CircuitOptions) -> Result<Admission<'a>, ErrorKind>,
    ) -> Result<Admission<'a>, ErrorKind> {
        let ticket = self.admit_by_state(nesting)?;
        let Some(active) = self.active_bulkhead(ticket, nesting) else {
            return Ok(self.start(ticket, Stamp::NONE));
        };
        match active.bulkhead.try_acquire(&self.clock) {
            Attempt::Acquired => Ok(self.start(ticket, Stamp::IN_BULKHEAD)),
            Attempt::Full(FullPolicy::Wait(_)) => wait(ticket, active.options),
            Attempt::Full(FullPolicy::Reject) => Err(self.reject_full(ticket).kind),
            Attempt::Full(FullPolicy::Admit) => Ok(self.admit_in_shadow(ticket, active.options)),
        }
    }

    /// Decides about the call of a permit that the fast path has not admitted.
    #[cold]
    #[inline(never)]
    fn decide_now(&self) -> Decision {
        self.decide(Nesting::Refused, Self::decide_restricted_now, Self::decide_gated_now)
    }

    /// Decides about a call that the fast path has not admitted and that runs on this thread until its end.
    #[cold]
    #[inline(never)]
    fn decide_blocking(&self) -> Decision {
        self.decide(Nesting::Allowed, Self::decide_restricted_blocking, Self::decide_gated_blocking)
    }

    /// Decides about an async call with this stamp, if it can be decided without a wait and is undecided.
    #[cold]
    #[inline(never)]
    pub(super) fn decide_polled(&self, stamp: Stamp) -> Decision {
        if stamp == Stamp::UNDECIDED {
            self.decide(Nesting::Allowed, |_| Decision::UNDECIDED, |_| Decision::UNDECIDED)
        } else {
            Decision::UNDECIDED
        }
    }

    /// Decides the frequent cases: a call that needs only a bulkhead slot, and one that an open circuit rejects. Of all
    /// other calls, `tracked` decides about those of a closed circuit that has neither a gate nor other checks, and
    /// `otherwise` about the rest. They are called last, so that the compiler makes the call a jump and the callers
    /// need no stack frame.
    #[expect(
        clippy::inline_always,
        reason = "its callers are cold, and the compiler inlines little into such functions"
    )]
    #[inline(always)]
    fn decide(
        &self,
        nesting: Nesting,
        tracked: impl FnOnce(&Self) -> Decision,
        otherwise: impl FnOnce(&Self) -> Decision,
    ) -> Decision {
        match self.machine.glance() {
            Glance::Tracked(ticket) => match self.admit_to_slot(nesting) {
                Some(stamp) => Decision::admitted(ticket, stamp),
                None => tracked(self),
            },
            Glance::Open(word) => self.decide_while_open(word, otherwise),
            Glance::Other => otherwise(self),
        }
    }

    /// Acquires a bulkhead slot for a call that needs nothing else, if one is free, and returns the stamp of the call.
    #[inline]
    fn admit_to_slot(&self, nesting: Nesting) -> Option<Stamp> {
        let options = self.options.get()?;
        let acquire = || options.try_acquire_slot_fast();
        match nesting {
            Nesting::Allowed => self.enter_as_only_call(acquire).then_some(Stamp::IN_BULKHEAD_AND_SCOPE),
            Nesting::Refused => acquire().then_some(Stamp::IN_BULKHEAD),
        }
    }

    /// Rejects a call of an open circuit whose recovery is not due. If it is due soon, or if the call may be admitted
    /// nevertheless, `otherwise` decides.
    #[cold]
    #[inline(never)]
    fn decide_while_open(&self, seen: OpenWord, otherwise: impl FnOnce(&Self) -> Decision) -> Decision {
        let is_special = self.options.get().is_some_and(CircuitOptions::handles_rejections);
        if is_special || !self.machine.clearly_rejects(seen, &self.clock) {
            return otherwise(self);
        }
        self.counters.add(Total::Open);
        self.report_rejection(ErrorKind::Open);
        Decision::rejected(ErrorKind::Open)
    }

    /// Admits or rejects a call that does not wait.
    #[cold]
    #[inline(never)]
    pub(super) fn admit_restricted_now(&self, nesting: Nesting) -> Result<Admission<'_>, ErrorKind> {
        self.admit_restricted(nesting, |ticket, _| Err(self.reject_full(ticket).kind))
    }

    #[cold]
    #[inline(never)]
    fn decide_restricted_now(&self) -> Decision {
        self.admit_restricted_now(Nesting::Refused).into()
    }

    /// Decides about the call of a permit that may have to pass a gate.
    #[cold]
    #[inline(never)]
    fn decide_gated_now(&self) -> Decision {
        self.admit_restricted_now(Nesting::Refused).and_then(|call| self.pass_now(call)).into()
    }

    #[cold]
    #[inline(never)]
    fn decide_restricted_blocking(&self) -> Decision {
        self.admit_restricted_blocking().map(Admission::scoped).into()
    }

    /// Decides about a sync call that may have to pass a gate.
    #[cold]
    #[inline(never)]
    fn decide_gated_blocking(&self) -> Decision {
        let passed = self.admit_restricted_blocking().and_then(|call| self.pass_blocking(call));
        passed.map(Admission::scoped).into()
    }

    #[expect(
        clippy::inline_always,
        reason = "both callers are cold, and the compiler would share one copy, which costs the frequent one a call"
    )]
    #[inline(always)]
    fn admit_restricted_blocking(&self) -> Result<Admission<'_>, ErrorKind> {
        let wait = |ticket, options| self.wait_blocking(ticket, options);
        self.admit_restricted(Nesting::Allowed, wait)
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

    /// Admits a call without a bulkhead slot, and counts a shadow rejection.
    pub(super) fn admit_in_shadow(&self, ticket: Ticket, options: &CircuitOptions) -> Admission<'_> {
        options.count_shadow_rejection();
        self.start(ticket, Stamp::NONE)
    }

    /// Rejects a call that gets no bulkhead slot.
    pub(super) fn reject_full(&self, ticket: Ticket) -> Rejection<'_> {
        self.abandon_trial(ticket);
        self.counters.add(Total::Rare(Rare::Bulkhead));
        self.tap_rejected(ErrorKind::BulkheadFull);
        self.report_rejection(ErrorKind::BulkheadFull);
        Rejection { circuit: self, kind: ErrorKind::BulkheadFull }
    }

    /// Admits or rejects a call by the state of the circuit, after the fast path has not admitted it.
    #[inline]
    pub(super) fn admit_by_state(&self, nesting: Nesting) -> Result<Ticket, ErrorKind> {
        self.machine.admit_tracked().map_or_else(|| self.admit_or_reject(nesting), Ok)
    }

    #[inline(never)]
    fn admit_or_reject(&self, nesting: Nesting) -> Result<Ticket, ErrorKind> {
        match self.machine.reject_fast(&self.clock) {
            Some(State::HalfOpen) => {
                self.ticket_in_slot(nesting).map_or_else(|| self.reject_by_state(State::HalfOpen), Ok)
            }
            Some(state) => self.reject_by_state(state),
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
        decision.ticket.or_else(|state| self.reject_by_state(state))
    }

    /// Counts the rejection, or admits the call in shadow mode or because of `max_open`.
    #[inline]
    pub(super) fn reject_by_state(&self, state: State) -> Result<Ticket, ErrorKind> {
        if let Some(options) = self.options.get()
            && options.handles_rejections()
            && let Some(ticket) = self.admit_rejected(state, options)
        {
            return Ok(ticket);
        }
        let Rejected { total, kind } = Rejected::by(state);
        self.counters.add(total);
        self.report_rejection(kind);
        Err(kind)
    }

    /// Returns the ticket of a call that the state rejects, if the call is admitted nevertheless. Otherwise, taps see
    /// the rejection.
    #[cold]
    fn admit_rejected(&self, state: State, options: &CircuitOptions) -> Option<Ticket> {
        if options.is_shadow() {
            options.count_shadow_rejection();
            return Some(Ticket::SHADOW);
        }
        let waived = if options.has_max_open() { self.waive(state, options) } else { None };
        if waived.is_none() {
            self.tap_rejected(Rejected::by(state).kind);
        }
        waived
    }

    /// Returns the admission of a call that starts now.
    #[inline]
    pub(super) fn start(&self, ticket: Ticket, stamp: Stamp) -> Admission<'_> {
        let may_be_timed = ticket.is_tracked() || ticket.is_shadow();
        let options = if may_be_timed { self.options.get() } else { None };
        let stamp = match options.and_then(CircuitOptions::timing) {
            Some(timing) => stamp.started_at(self.clock.start(), timing),
            None => stamp,
        };
        if ticket.is_plainly_tracked() {
            return self.admission(ticket, stamp);
        }
        self.start_specially(ticket, stamp)
    }

    /// Returns the admission of a call that is checked, a trial call, admitted because of `max_open`, or admitted although it
    /// is not tracked.
    #[cold]
    #[inline(never)]
    fn start_specially(&self, ticket: Ticket, stamp: Stamp) -> Admission<'_> {
        if ticket.is_checked() {
            return self.start_checked(ticket, stamp);
        }
        if let Some(options) = self.options.get().filter(|_| ticket.is_waived()) {
            options.open_slot().count_waived();
        }
        let stamp = if ticket.trial().is_some() { self.trial_stamp(stamp) } else { stamp };
        self.admission(ticket, stamp)
    }

    /// Returns the stamp of a trial call. Its start is always known, because a late success may prove that the
    /// leases are too short.
    #[cold]
    fn trial_stamp(&self, stamp: Stamp) -> Stamp {
        stamp.entering_scope().with_start(&self.clock)
    }

    #[inline]
    const fn admission(&self, ticket: Ticket, stamp: Stamp) -> Admission<'_> {
        Admission::new(self, ticket, stamp)
    }
}
