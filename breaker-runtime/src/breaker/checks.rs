//! The checks before a closed circuit admits a call: `hang` opens it if a running call hangs, and `ramp` admits a share
//! of the calls.
//!
//! Only a circuit that ramps, or that has or had the setting `hang`, makes them. The encoding of its word sends its
//! calls here, so other circuits pay nothing.

use std::time::Duration;

use super::admission::Admission;
use super::admit::Nesting;
use super::circuit::Circuit;
use super::options::CircuitOptions;
use super::stamp::Stamp;
use super::watch::Watch;
use crate::clock::Moment;
use crate::error::ErrorKind;
use crate::state::machine::{Pending, Ticket};
use crate::state::{HungCall, Ramp};
use crate::totals::{Rare, Total};

/// The time that a caller should wait after a rejection by a ramp. Its next call may be in the admitted share.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl Circuit {
    /// Admits or rejects a call that can be decided only after the checks, or under the lock.
    #[inline(never)]
    pub(super) fn admit_with_checks(&self, nesting: Nesting) -> Result<Ticket, ErrorKind> {
        self.notify_if(self.open_if_hung());
        let ticket = match self.machine.admit_checked(&self.clock) {
            Some(ticket) => ticket,
            None => self.admit_locked()?,
        };
        self.admit_by_ramp(ticket, nesting)
    }

    /// Admits the call, unless the circuit ramps and the call is not in the share that it admits. A call inside
    /// another call of the circuit is admitted with it.
    pub(super) fn admit_by_ramp(&self, ticket: Ticket, nesting: Nesting) -> Result<Ticket, ErrorKind> {
        if self.is_in_share(ticket, nesting) { Ok(ticket) } else { self.reject_by_ramp() }
    }

    /// Returns `true` if the circuit does not ramp, or if the call is in the share that it admits.
    pub(super) fn is_in_share(&self, ticket: Ticket, nesting: Nesting) -> bool {
        let Some(Ramp { share, .. }) = self.ramp(ticket) else {
            return true;
        };
        let runs_inside = match nesting {
            Nesting::Allowed => self.is_inside_call(),
            Nesting::Refused => false,
        };
        runs_inside || self.clock.draw() < share
    }

    /// Returns the ramp that applies to this call.
    pub(super) fn ramp(&self, ticket: Ticket) -> Option<Ramp> {
        if !ticket.is_checked() {
            return None;
        }
        let length = self.options.get()?.ramp()?;
        let ends = self.machine.ramp_ends()?;
        Some(Ramp::ending_in(ends.since(self.clock.coarse_now()), length))
    }

    /// Returns when to call again after a rejection by the ramp: in a second, or at the end of the ramp if that is
    /// earlier.
    #[cold]
    #[inline(never)]
    pub(super) fn retry_after_ramping(&self) -> Moment {
        let now = self.clock.coarse_now();
        let ends = self.machine.ramp_ends().unwrap_or(now);
        now.after(RETRY_AFTER).min(ends.max(now))
    }

    /// Counts and reports the rejection, or admits the call in shadow mode.
    pub(super) fn reject_by_ramp(&self) -> Result<Ticket, ErrorKind> {
        if let Some(options) = self.options.get()
            && options.is_shadow()
        {
            options.count_shadow_rejection();
            return Ok(Ticket::SHADOW);
        }
        self.counters.add(Total::Rare(Rare::Ramping));
        self.tap_rejected(ErrorKind::Ramping);
        self.report_rejection(ErrorKind::Ramping);
        Err(ErrorKind::Ramping)
    }

    /// Returns the admission of a checked call that starts now. It is watched with `hang`, and calls inside it are
    /// admitted with it while the circuit ramps.
    #[cold]
    #[inline(never)]
    pub(super) fn start_checked(&self, ticket: Ticket, stamp: Stamp) -> Admission<'_> {
        let stamp = if self.ramp(ticket).is_some() { stamp.entering_scope() } else { stamp };
        let Some(watch) = self.options.get().and_then(CircuitOptions::watch) else {
            return Admission::new(self, ticket, stamp);
        };
        let now = self.clock.now();
        match watch.add(ticket.generation(), now) {
            Some(entry) => {
                let stamp = if stamp.has_start() { stamp } else { stamp.since(now) };
                Admission::new(self, ticket.with_entry(entry), stamp)
            }
            None => Admission::new(self, ticket, stamp),
        }
    }

    /// Ends the watch of a call that has ended. If a call hung until now, this opens the circuit first, so the result
    /// is late.
    #[cold]
    pub(super) fn end_watch(&self, ticket: Ticket, entry: u32) {
        let Some(watch) = self.options.get().and_then(CircuitOptions::watch) else {
            return;
        };
        let mut pending = Pending::Nothing;
        while !watch.remove(ticket.generation(), entry, |overdue| self.clock.has_reached(overdue)) {
            pending = pending.or(self.open_if_hung());
        }
        self.notify_if(pending);
    }

    /// Returns the ticket of a call that is not watched for now, because its caller does not wait for it.
    pub(super) fn pause_watch(&self, ticket: Ticket) -> Ticket {
        let Some(entry) = ticket.entry() else {
            return ticket;
        };
        self.end_watch(ticket, entry);
        ticket.without_entry()
    }

    /// Returns the ticket of a call that is not watched for now, unless it has hung. Unlike
    /// [`pause_watch`](Self::pause_watch), this never opens the circuit.
    pub(super) fn pause_watch_in_time(&self, ticket: Ticket) -> Ticket {
        let Some(entry) = ticket.entry() else {
            return ticket;
        };
        let watch = self.options.get().and_then(CircuitOptions::watch);
        let is_over = |overdue| self.clock.has_reached(overdue);
        let hangs = watch.is_some_and(|watch| !watch.remove_in_time(ticket.generation(), entry, is_over));
        if hangs { ticket } else { ticket.without_entry() }
    }

    /// Returns the ticket of a call that is watched from now on, with `hang`, as one that has run since then.
    pub(super) fn resume_watch(&self, ticket: Ticket, started: Moment) -> Ticket {
        let watch = self.options.get().and_then(CircuitOptions::watch);
        let entry = watch.and_then(|watch| watch.add(ticket.generation(), started));
        entry.map_or(ticket, |entry| ticket.with_entry(entry))
    }

    /// Returns the call that has run for too long, if there is one.
    pub(super) fn hung_call(&self) -> Option<HungCall> {
        self.options.get()?.watch()?.hung_call(&self.clock)
    }

    /// Returns the moment at which the oldest running call will have run for too long.
    pub(super) fn overdue(&self) -> Moment {
        let watch = self.options.get().and_then(CircuitOptions::watch);
        watch.map_or(Moment::NEVER, Watch::overdue)
    }

    /// Opens the circuit if a call has run for too long.
    pub(super) fn open_if_hung(&self) -> Pending {
        self.hung_call().map_or(Pending::Nothing, |hung| self.open_because_of(hung))
    }

    /// Makes a change of the machine that opens the circuit first if a call has run for too long. The change receives what
    /// finds out, and calls it under the lock of the machine.
    pub(super) fn change_after_hang<T>(
        &self,
        change: impl FnOnce(&mut dyn FnMut() -> Option<HungCall>) -> T,
    ) -> T {
        let mut hung = None;
        let output = change(&mut || {
            hung = self.hung_call();
            hung
        });
        if let (Some(hung), Some(watch)) = (hung, self.options.get().and_then(CircuitOptions::watch)) {
            watch.end_generation(hung.generation);
        }
        output
    }

    #[cold]
    fn open_because_of(&self, hung: HungCall) -> Pending {
        let pending = self.machine.open_because_of(hung);
        if let Some(watch) = self.options.get().and_then(CircuitOptions::watch) {
            watch.end_generation(hung.generation);
        }
        pending
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::clock::Clock;
    use crate::config::{Config, ConfigBuilder};
    use crate::outcome::Outcome;
    use crate::{CircuitBreaker, State};

    /// Returns a breaker whose circuit closes after its first trial call.
    fn closing(settings: ConfigBuilder) -> CircuitBreaker {
        let settings =
            settings.failure_threshold(1).success_threshold(1).recovery_timeout(Duration::from_nanos(1));
        let config = settings.half_open_timeout(Duration::MAX).build().unwrap();
        let breaker = CircuitBreaker::new("payment", config).unwrap();
        breaker.try_acquire().unwrap().settle(Outcome::Failure);
        breaker.try_acquire().unwrap().settle(Outcome::Success);
        assert_eq!(breaker.state(), State::Closed);
        breaker
    }

    #[test]
    fn the_first_call_after_a_ramp_restores_the_fast_path() {
        let breaker = closing(Config::builder().ramp(Duration::from_nanos(1)));
        let machine = &breaker.circuit().machine;
        assert!(machine.admit_fast().is_none());
        breaker.try_acquire().unwrap().settle(Outcome::Success);
        assert!(machine.admit_fast().is_some());
        assert!(closing(Config::builder()).circuit().machine.admit_fast().is_some());
    }

    #[test]
    fn a_ramp_leaves_other_bookkeeping_as_it_was() {
        let breaker = closing(Config::builder().ramp(Duration::from_nanos(1)).max_concurrent(9));
        let machine = &breaker.circuit().machine;
        assert!(machine.admit_tracked().is_none());
        breaker.try_acquire().unwrap().settle(Outcome::Success);
        assert!(machine.admit_tracked().is_some());
    }

    #[test]
    fn only_circuits_that_ramp_or_watch_their_calls_check_them() {
        let checks = |settings: ConfigBuilder| {
            let breaker = CircuitBreaker::new("payment", settings.build().unwrap()).unwrap();
            breaker.circuit().machine.admit_checked(&Clock::default()).is_some()
        };
        let second = Duration::from_secs(1);
        assert!(checks(Config::builder().hang(second)));
        assert!(!checks(Config::builder().ramp(second)), "it has not closed yet");
        assert!(!checks(Config::builder().max_concurrent(9).durations(true)));
    }
}
