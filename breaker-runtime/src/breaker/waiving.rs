//! Waived rejections: the calls that an open circuit admits, because `max_open` of its breaker lets no more circuits
//! reject calls.
//!
//! The limits of a call (`call_timeout`, `max_concurrent`) apply to such a call, but its result has no effect on the
//! state. The circuit recovers by trial calls as usual.

use super::circuit::Circuit;
use super::open_limit::{OpenCounts, OpenLimit, OpenSlot, SlotRequest};
use super::options::CircuitOptions;
use crate::clock::Moment;
use crate::event::{Event, Waiver};
use crate::state::State;
use crate::state::machine::{Inspection, Ticket};

/// A circuit with `max_open`: the limit of its breaker, and its slot.
struct LimitedCircuit<'a> {
    limit: &'a OpenLimit,
    slot: &'a OpenSlot,
}

/// The treatment of the calls that an open circuit would reject.
enum Treatment {
    Reject,
    Waive {
        /// Set if the circuit has just begun to waive.
        first: Option<OpenCounts>,
    },
}

impl Circuit {
    /// Returns the ticket of a call that the circuit would reject in this state, if it must waive the rejection.
    pub(super) fn waive(&self, state: State, options: &CircuitOptions) -> Option<Ticket> {
        match state {
            State::Open | State::HalfOpen => {}
            State::Closed | State::ForcedOpen | State::Disabled => return None,
        }
        let limited = self.limited(options)?;
        let Treatment::Waive { first } = self.decide_rejections(&limited) else {
            return None;
        };
        self.announce_waiving(first);
        Some(self.machine.waived_ticket())
    }

    /// Gives up the open slot of the circuit after a change of its state or settings, or after the end of a trial
    /// call, and takes one until the end of the open time if the circuit is open. Returns the counts if the circuit
    /// begins to waive its rejections.
    pub(super) fn update_open_slot(&self) -> Option<OpenCounts> {
        let options = self.options.get()?;
        let Some(limited) = self.limited(options) else {
            self.give_up_open_slot(options);
            return None;
        };
        let (slot, now) = (limited.slot, self.clock.now());
        match self.request_open_slot(&limited, now, Self::open_until) {
            SlotRequest::Granted => slot.end_waiving(),
            SlotRequest::Refused(counts) => return slot.begin_waiving().then_some(counts),
            SlotRequest::Unneeded => match self.state() {
                State::Open | State::HalfOpen => {}
                State::Closed | State::ForcedOpen | State::Disabled => slot.end_waiving(),
            },
        }
        None
    }

    /// Notifies listeners that the circuit begins to waive its rejections.
    pub(super) fn announce_waiving(&self, first: Option<OpenCounts>) {
        if let Some(counts) = first {
            self.notify_listeners_of(&Event::Waived(Waiver::new(self.id(), counts.open, counts.keys)));
        }
    }

    /// Removes the circuit from its breaker for a new key, and frees its open slot. The number of keys, and therefore
    /// of slots, stays the same, so no other circuit loses its slot. The circuit rejects as usual from then on.
    pub(crate) fn leave_group_for_new_key(&self) {
        self.mark_removed();
        if let Some(limit) = self.identity().open_limit()
            && let Some(options) = self.options.get()
        {
            limit.release(self.address(), options.open_slot());
        }
    }

    /// Removes the circuit from its breaker, which has one key less, and frees its open slot. The circuit rejects as
    /// usual from then on.
    pub(crate) fn leave_group(&self) {
        self.mark_removed();
        if let Some(limit) = self.identity().open_limit() {
            limit.remove_key(self.address(), || self.options.get().map(CircuitOptions::open_slot));
        }
    }

    /// Returns `true` if the circuit would reject the next call, but waives the rejection.
    pub(super) fn waives(&self) -> bool {
        let Some(LimitedCircuit { limit, slot }) =
            self.options.get().and_then(|options| self.limited(options))
        else {
            return false;
        };
        let now = self.clock.now();
        limit.is_full(now) && !slot.is_held(limit, now) && self.rejects_until(now).is_some()
    }

    /// Gives up the open slot of a circuit that is no longer limited.
    fn give_up_open_slot(&self, options: &CircuitOptions) {
        if let Some(limit) = self.identity().open_limit() {
            limit.release(self.address(), options.open_slot());
            options.open_slot().end_waiving();
        }
    }

    fn limited<'a>(&'a self, options: &'a CircuitOptions) -> Option<LimitedCircuit<'a>> {
        let is_limited = options.needs_open_slot() && !self.is_removed();
        let limit = self.identity().open_limit().filter(|_| is_limited)?;
        Some(LimitedCircuit { limit, slot: options.open_slot() })
    }

    /// Takes an open slot until the moment that `until` returns. A circuit that is removed meanwhile takes none.
    fn request_open_slot(
        &self,
        LimitedCircuit { limit, slot }: &LimitedCircuit<'_>,
        now: Moment,
        until: impl FnOnce(&Self, Moment) -> Option<Moment>,
    ) -> SlotRequest {
        let until_unless_removed = || until(self, now).filter(|_| !self.is_removed());
        limit.request(self.address(), slot, now, until_unless_removed)
    }

    /// Decides whether the circuit rejects calls. It takes an open slot if it has none.
    fn decide_rejections(&self, limited: &LimitedCircuit<'_>) -> Treatment {
        let LimitedCircuit { limit, slot } = limited;
        let now = self.clock.now();
        if slot.is_held(limit, now) {
            return Treatment::Reject;
        }
        if slot.is_waiving() && limit.is_full(now) {
            return Treatment::Waive { first: None };
        }
        match self.request_open_slot(limited, now, Self::rejects_until) {
            SlotRequest::Granted => {
                slot.end_waiving();
                Treatment::Reject
            }
            // The state has changed since it rejected the call.
            SlotRequest::Unneeded => Treatment::Reject,
            SlotRequest::Refused(counts) => {
                Treatment::Waive { first: slot.begin_waiving().then_some(counts) }
            }
        }
    }

    /// Returns the end of the open time, or `None` if the circuit is not open or is due.
    fn open_until(&self, now: Moment) -> Option<Moment> {
        let inspected = self.inspect(now);
        (inspected.state == State::Open && now < inspected.until).then_some(inspected.until)
    }

    /// Returns the moment until which the circuit rejects every call, unless a trial call ends earlier, or `None` if
    /// it admits the next call.
    fn rejects_until(&self, now: Moment) -> Option<Moment> {
        let inspected = self.inspect(now);
        let rejects = match inspected.state {
            State::Open => now < inspected.until,
            State::HalfOpen => inspected.is_full,
            State::Closed | State::ForcedOpen | State::Disabled => false,
        };
        rejects.then_some(inspected.until)
    }

    fn inspect(&self, now: Moment) -> Inspection<()> {
        self.machine.inspect(now, self.hung_call(), |_| ())
    }
}
