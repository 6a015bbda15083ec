//! Queries of the machine that change nothing and that no call on the fast path makes.

use std::sync::Arc;

use super::{Machine, Ticket};
use crate::clock::Clock;
use crate::outcome::Settled;
use crate::state::recovery::Recovery;
use crate::state::word::Word;
use crate::state::{HungCall, Opening, State, Transition};
use crate::sync::Ordering;

impl<S: AsRef<Recovery>> Machine<S> {
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
        let word = match self.load(Ordering::Relaxed) {
            Word::BUSY => self.lock().word(),
            word => word,
        };
        // Only a waived call looks like one of a closed circuit in a generation that is not closed.
        let is_waived = ticket.is_plainly_tracked() && !word.is_closed();
        if ticket.is_shadow() || is_waived || word.generation() != ticket.generation() {
            Settled::Late
        } else {
            Settled::Counted
        }
    }

    /// Returns the current opening, or `None` if the circuit is not open.
    #[inline]
    pub(crate) fn opening(&self) -> Option<Opening> {
        let (word, due) = self.read();
        (word.state() == Some(State::Open)).then(|| Opening { due, generation: Some(word.generation()) })
    }

    /// Returns the transition that began the current generation, or `None` before the first.
    pub(crate) fn last_transition(&self) -> Option<Arc<Transition>> {
        self.lock().record.last_transition()
    }
}
