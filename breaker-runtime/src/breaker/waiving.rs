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
use crate::state::machine::Ticket;

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
        limited.slot.count_waived();
        self.announce_waiving(first);
        Some(self.machine.waived_ticket())
    }

    /// Takes an open slot for a circuit that has opened, and gives up that of a circuit that has closed. Returns the
    /// counts if the circuit begins to waive its rejections.
    pub(super) fn update_open_slot(&self) -> Option<OpenCounts> {
        let limited = self.limited(self.options.get()?)?;
        match self.state() {
            State::Open | State::HalfOpen => match self.decide_rejections(&limited) {
                Treatment::Reject => None,
                Treatment::Waive { first } => first,
            },
            State::Closed | State::ForcedOpen | State::Disabled => {
                limited.limit.release(self.address(), limited.slot);
                limited.slot.end_waiving();
                None
            }
        }
    }

    /// Notifies listeners that the circuit begins to waive its rejections.
    pub(super) fn announce_waiving(&self, first: Option<OpenCounts>) {
        if let Some(counts) = first {
            let event = Event::Waived(Waiver::new(self.id(), counts.open, counts.keys));
            self.hubs().for_each(|hub| hub.notify(&event));
        }
    }

    /// Gives up the open slot when the settings change. The circuit takes another one if it still needs one.
    pub(super) fn give_up_open_slot(&self) {
        if let (Some(options), Some(limit)) = (self.options.get(), self.identity().open_limit()) {
            limit.release(self.address(), options.open_slot());
            options.open_slot().end_waiving();
        }
    }

    /// Removes the circuit from its breaker, and frees its open slot.
    pub(crate) fn leave_group(&self) {
        if let Some(limit) = self.identity().open_limit() {
            limit.remove_key(self.address(), self.options.get().map(CircuitOptions::open_slot));
        }
    }

    /// Returns `true` if the circuit is in a state in which it rejects calls, but waives the rejections.
    pub(super) fn waives(&self, state: State) -> bool {
        let Some(limited) = self.options.get().and_then(|options| self.limited(options)) else {
            return false;
        };
        let now = self.clock.now();
        match state {
            State::Open | State::HalfOpen => {
                !limited.slot.is_held(limited.limit, now)
                    && (limited.slot.is_waiving() || limited.limit.is_full(now))
            }
            State::Closed | State::ForcedOpen | State::Disabled => false,
        }
    }

    fn limited<'a>(&'a self, options: &'a CircuitOptions) -> Option<LimitedCircuit<'a>> {
        let limit = self.identity().open_limit().filter(|_| options.needs_open_slot())?;
        Some(LimitedCircuit { limit, slot: options.open_slot() })
    }

    /// Decides whether the circuit rejects calls. It takes an open slot if it has none.
    fn decide_rejections(&self, LimitedCircuit { limit, slot }: &LimitedCircuit<'_>) -> Treatment {
        let now = self.clock.now();
        if slot.is_held(limit, now) {
            return Treatment::Reject;
        }
        if slot.is_waiving() && limit.is_full(now) {
            return Treatment::Waive { first: None };
        }
        match limit.request(self.address(), slot, now, || self.rejects_until(now)) {
            SlotRequest::Granted => {
                slot.end_waiving();
                Treatment::Reject
            }
            SlotRequest::Refused(counts) => {
                Treatment::Waive { first: slot.begin_waiving().then_some(counts) }
            }
        }
    }

    /// Returns the moment until which the circuit may reject calls, or `None` if it admits them now.
    fn rejects_until(&self, now: Moment) -> Option<Moment> {
        let inspected = self.machine.inspect(now, self.hung_call(), |_| ());
        match inspected.state {
            State::Open => Some(inspected.until),
            // Without a running trial call, it admits the next one.
            State::HalfOpen => Some(inspected.until).filter(|until| *until != Moment::NEVER),
            State::Closed | State::ForcedOpen | State::Disabled => None,
        }
    }
}
