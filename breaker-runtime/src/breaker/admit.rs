//! The first half of every call: being admitted. Closed circuits admit by one look at their word; the rest
//! asks the state, and then the bulkhead.

use super::bulkhead::Bulkhead;
use super::circuit::{Acquired, Admission, Circuit, Rejected, Stamp};
use super::extras::Extras;
use super::permit::Permit;
use crate::error::ErrorKind;
use crate::state::State;
use crate::state::machine::Ticket;
use crate::totals::{Rare, Total};

/// What came of a call that was let through, if the limit lets it through as well.
enum Entered {
    Already(Ticket, Stamp),
    AfterAWait(Ticket),
}

impl Circuit {
    /// Asks for one call that does not wait.
    #[inline]
    pub(crate) fn admit(&self) -> Acquired<'_> {
        self.admit_or(|_| false)
    }

    /// Asks for one call; blocks this thread while it waits for its turn.
    #[inline]
    pub(crate) fn admit_blocking(&self) -> Acquired<'_> {
        self.admit_or(|extras| extras.wait_blocking(&self.clock))
    }

    /// What comes back from the long way is taken apart here, so that the short one keeps all in registers.
    #[inline]
    fn admit_or(&self, wait: impl FnOnce(&Extras) -> bool) -> Acquired<'_> {
        let admitted = match self.machine.admit_freely() {
            Some(ticket) => Ok((ticket, Stamp::NONE)),
            None => self.admit_otherwise(wait),
        };
        match admitted {
            Ok((ticket, stamp)) => Ok(Admission { circuit: self, ticket, stamp }),
            Err(kind) => Err(Rejected { circuit: self, kind }),
        }
    }

    /// Asks for one call; waits for its turn. Dropped meanwhile, the call was cancelled.
    pub(crate) async fn admit_waiting(&self) -> Acquired<'_> {
        let admitted = match self.enter_at_once() {
            Ok(Entered::Already(ticket, stamp)) => Ok((ticket, stamp)),
            // Boxed, so that the futures of the many calls that need not wait are small.
            Ok(Entered::AfterAWait(ticket)) => Box::pin(self.enter_waiting(ticket)).await,
            Err(kind) => Err(kind),
        };
        let (ticket, stamp) = admitted.map_err(|kind| Rejected { circuit: self, kind })?;
        Ok(Admission { circuit: self, ticket, stamp })
    }

    fn enter_at_once(&self) -> Result<Entered, ErrorKind> {
        let ticket = match self.machine.admit_freely() {
            Some(ticket) => return Ok(Entered::Already(ticket, Stamp::NONE)),
            None => self.admit_by_state()?,
        };
        let Some((extras, bulkhead)) = self.bulkhead_for(ticket) else {
            return Ok(Entered::Already(ticket, self.start(ticket, Stamp::NONE)));
        };
        let has_entered = bulkhead.try_enter();
        if !has_entered && !extras.is_shadow() && !extras.max_wait().is_zero() {
            return Ok(Entered::AfterAWait(ticket));
        }
        self.enter(ticket, extras, has_entered).map(|(ticket, stamp)| Entered::Already(ticket, stamp))
    }

    async fn enter_waiting(&self, ticket: Ticket) -> Result<(Ticket, Stamp), ErrorKind> {
        // From here on the call may be cancelled, and a trial's place must not be lost with it.
        let waiting = Permit::cancellable(Admission { circuit: self, ticket, stamp: Stamp::NONE });
        let Some((extras, bulkhead)) = self.bulkhead_for(ticket) else {
            // The limit has been taken away since.
            _ = waiting.into_admission();
            return Ok((ticket, self.start(ticket, Stamp::NONE)));
        };
        let has_entered = bulkhead.enter_within(extras.max_wait(), &self.clock).await;
        _ = waiting.into_admission();
        self.enter(ticket, extras, has_entered)
    }

    /// A restricted circuit, or a watched one. `wait` blocks until the call has a place in the bulkhead, or
    /// says that it waits no longer.
    #[cold]
    #[inline(never)]
    fn admit_otherwise(&self, wait: impl FnOnce(&Extras) -> bool) -> Result<(Ticket, Stamp), ErrorKind> {
        let ticket = self.admit_by_state()?;
        let Some((extras, bulkhead)) = self.bulkhead_for(ticket) else {
            return Ok((ticket, self.start(ticket, Stamp::NONE)));
        };
        let has_entered = bulkhead.try_enter() || (!extras.is_shadow() && wait(extras));
        self.enter(ticket, extras, has_entered)
    }

    /// The bulkhead, if this call has to pass it.
    #[inline]
    fn bulkhead_for(&self, ticket: Ticket) -> Option<(&Extras, &Bulkhead)> {
        let extras = self.extras.get()?;
        let bulkhead = extras.bulkhead()?;
        ticket.is_ruled().then_some((extras, bulkhead))
    }

    fn enter(
        &self,
        ticket: Ticket,
        extras: &Extras,
        has_entered: bool,
    ) -> Result<(Ticket, Stamp), ErrorKind> {
        if has_entered {
            return self.enter_now(ticket, extras);
        }
        if extras.is_shadow() {
            extras.count_shadow_rejection();
            return Ok((ticket, self.start(ticket, Stamp::NONE)));
        }
        self.give_back(ticket);
        self.counters.add(Total::Rare(Rare::Bulkhead));
        Err(ErrorKind::BulkheadFull)
    }

    /// A place is taken. If it took so long that the circuit has changed, the call must ask again: it shall
    /// not run into a service that has failed meanwhile.
    fn enter_now(&self, ticket: Ticket, extras: &Extras) -> Result<(Ticket, Stamp), ErrorKind> {
        if self.machine.is_of_now(ticket) {
            return Ok((ticket, self.start(ticket, Stamp::IN_BULKHEAD)));
        }
        match self.machine.admit_freely().map_or_else(|| self.admit_by_state(), Ok) {
            Ok(ticket) if ticket.is_ruled() => Ok((ticket, self.start(ticket, Stamp::IN_BULKHEAD))),
            refused_or_free => {
                extras.leave_bulkhead();
                refused_or_free.map(|ticket| (ticket, Stamp::NONE))
            }
        }
    }

    /// What a circuit says that does not admit all calls unseen.
    #[inline]
    fn admit_by_state(&self) -> Result<Ticket, ErrorKind> {
        if let Some(ticket) = self.machine.admit_watched() {
            return Ok(ticket);
        }
        match self.machine.refuse(&self.clock) {
            Some(by) => self.reject(by),
            None => self.admit_by_record(),
        }
    }

    #[inline(never)]
    fn admit_by_record(&self) -> Result<Ticket, ErrorKind> {
        let admitted = self.machine.admit_by_record(&self.clock);
        self.tell_news();
        admitted.or_else(|by| self.reject(by))
    }

    #[inline]
    fn reject(&self, by: State) -> Result<Ticket, ErrorKind> {
        if let Some(extras) = self.extras.get()
            && extras.is_shadow()
        {
            extras.count_shadow_rejection();
            return Ok(Ticket::OUTSIDE);
        }
        let (total, kind) = match by {
            State::HalfOpen => (Total::Rare(Rare::HalfOpen), ErrorKind::HalfOpen),
            State::ForcedOpen => (Total::Rare(Rare::ForcedOpen), ErrorKind::ForcedOpen),
            // Closed and Disabled refuse nothing.
            State::Open | State::Closed | State::Disabled => (Total::Open, ErrorKind::Open),
        };
        self.counters.add(total);
        Err(kind)
    }

    /// The call begins now.
    #[inline]
    fn start(&self, ticket: Ticket, stamp: Stamp) -> Stamp {
        let is_timed = ticket.is_ruled() && self.extras.get().is_some_and(Extras::is_timed);
        if is_timed { stamp.with(self.clock.start()) } else { stamp }
    }
}
