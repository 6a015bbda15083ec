//! Methods of the machine that change nothing and that no call on the fast path uses.

use std::sync::Arc;
use std::time::Duration;

use super::{Locked, Machine, Ticket};
use crate::clock::{Clock, Moment};
use crate::outcome::Settled;
use crate::state::recovery::Recovery;
use crate::state::word::Word;
use crate::state::{HungCall, Opening, State, Transition};
use crate::sync::Ordering;

/// The frequent cases of a call that is not on the fast path.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Glance {
    /// A closed, tracked circuit, which admits the call with this ticket.
    Tracked(Ticket),
    /// An open circuit, which rejects the call unless it is due.
    Open(OpenWord),
    /// Any other circuit, including one whose state is being changed.
    Other,
}

/// The word of an open circuit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenWord(Word);

/// The state of a circuit, except for the end of a lease that no change has followed yet.
struct Glimpse {
    state: State,
    generation: u64,
    /// `true` if the circuit is half-open and its first lease has ended.
    lease_has_ended: bool,
}

impl<S: AsRef<Recovery>> Machine<S> {
    /// Returns the current state, without the lock unless the state is being changed or a lease has ended.
    pub(crate) fn state(&self, clock: &Clock) -> State {
        let Glimpse { state, lease_has_ended, .. } = self.glimpse(clock);
        if lease_has_ended { State::Open } else { state }
    }

    /// Returns `true` if the circuit is in the state that admitted this call, and no lease has ended.
    pub(crate) fn is_current(&self, ticket: Ticket, clock: &Clock) -> bool {
        let Glimpse { generation, lease_has_ended, .. } = self.glimpse(clock);
        generation == ticket.generation() && !lease_has_ended
    }

    /// Returns when the first lease of a half-open circuit ends, or never.
    pub(crate) fn lease_ends(&self) -> Moment {
        let (word, until) = self.read();
        if word.state() == Some(State::HalfOpen) { until } else { Moment::NEVER }
    }

    /// Returns the state, its generation, and whether the first lease of a half-open circuit has ended.
    fn glimpse(&self, clock: &Clock) -> Glimpse {
        let (word, until) = self.read();
        match word.state() {
            Some(State::HalfOpen) if clock.has_reached(until) => {}
            Some(state) => return Glimpse { state, generation: word.generation(), lease_has_ended: false },
            None => {}
        }
        // The trial call may have ended in time, before the clock was read. Under the lock, both are read together.
        let Locked { record, .. } = &*self.lock();
        let state = record.state();
        let lease_has_ended = state == State::HalfOpen && clock.has_reached(record.until());
        Glimpse { state, generation: record.generation(), lease_has_ended }
    }

    /// Returns `true` if a call that arrives now would be admitted, and changes nothing. A closed circuit and one
    /// that rejects the call are recognized without the lock.
    pub(crate) fn would_admit(&self, clock: &Clock, hung: Option<HungCall>) -> bool {
        if self.admit_fast().or_else(|| self.admit_tracked()).is_some() {
            return true;
        }
        if self.reject_fast(clock).is_some() {
            return false;
        }
        let locked = &mut *self.lock();
        locked.record.prepare_opening(hung);
        locked.record.would_admit(hung, clock.now(), locked.settings.as_ref())
    }

    /// Returns the effect of a result that changes neither the run nor the window: it is late unless the circuit is
    /// in the generation of the call, and has not waived its rejection.
    #[cold]
    pub(crate) fn settled(&self, ticket: Ticket) -> Settled {
        let word = self.known_word();
        if ticket.is_shadow() || ticket.is_waived() || word.generation() != ticket.generation() {
            Settled::Late
        } else {
            Settled::Counted
        }
    }

    /// Returns the ticket of a call that the state rejects, but that is admitted nevertheless. Its limits apply, and
    /// its result changes nothing: the ticket belongs to a generation that is not closed. If the circuit has closed
    /// meanwhile, the ticket is that of a usual call.
    pub(crate) fn waived_ticket(&self) -> Ticket {
        Ticket(self.known_word().waived_call())
    }

    /// Returns the word, under the lock while a change is being published.
    fn known_word(&self) -> Word {
        match self.load(Ordering::Acquire) {
            Word::BUSY => self.lock().word(),
            word => word,
        }
    }

    /// Returns the case of a call that arrives now and is not on the fast path.
    #[inline]
    pub(crate) fn glance(&self) -> Glance {
        let word = self.load(Ordering::Acquire);
        if let Some(call) = word.tracked_call() {
            Glance::Tracked(Ticket(call))
        } else if word.is_open() {
            Glance::Open(OpenWord(word))
        } else {
            Glance::Other
        }
    }

    /// Returns `true` if the open state that was seen still lasts, and ends later than the coarse clock lags. Then it
    /// rejects the call; otherwise [`reject_fast`](Self::reject_fast) decides (5).
    #[inline]
    pub(crate) fn clearly_rejects(&self, seen: OpenWord, clock: &Clock) -> bool {
        clock.is_clearly_before(|| Moment::from_nanos(self.until.load(Ordering::Acquire)))
            && self.load(Ordering::Relaxed) == seen.0
    }

    /// Returns `true` if the circuit is closed in the generation of this tracked call and its run is zero. A success
    /// then has no effect on the run (3).
    #[inline]
    pub(crate) fn is_clean_for(&self, ticket: Ticket) -> bool {
        self.load(Ordering::Relaxed).is_clean_for(ticket.0)
    }

    /// Returns `true` if a success of this call has to be recorded in the window and has no other effect (3, 7).
    #[inline]
    pub(crate) fn is_recording(&self, ticket: Ticket) -> bool {
        self.load(Ordering::Relaxed) == ticket.0.recording()
    }

    /// Returns the current opening, or `None` if the circuit is not open.
    #[inline]
    pub(crate) fn opening(&self) -> Option<Opening> {
        let (word, due) = self.read();
        (word.state() == Some(State::Open)).then(|| Opening { due, generation: Some(word.generation()) })
    }

    /// Returns the lease of the next trial call.
    #[allow(dead_code, reason = "only the feature `redis` asks for a lease")]
    pub(crate) fn next_lease(&self) -> Duration {
        let locked = self.lock();
        locked.record.next_lease(locked.settings.as_ref())
    }

    /// Returns the transition that began the current generation, or `None` before the first.
    pub(crate) fn last_transition(&self) -> Option<Arc<Transition>> {
        self.lock().record.last_transition()
    }
}
