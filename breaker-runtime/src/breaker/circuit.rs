//! What all clones of a breaker share, and the first half of every call: being admitted. The second half
//! is in `settle.rs`.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use once_cell::race::OnceBox as Once;

use super::bulkhead::Bulkhead;
use super::extras::Extras;
use super::identity::Identity;
use super::permit::Permit;
use crate::clock::{Clock, Start};
use crate::config::{Config, Name, Settings};
use crate::error::{BreakerError, ErrorKind};
use crate::event::{Change, Event, Hub};
use crate::snapshot::{Kept, Snapshot};
use crate::state::machine::{Machine, Ticket};
use crate::state::{Cause, Details, State};
use crate::sync::{AtomicU32, OnceBox, Ordering};
use crate::totals::{Counters, Rare, Total, Totals};

#[derive(Debug)]
pub(crate) struct Circuit {
    pub(super) machine: Machine<Settings>,
    pub(super) counters: Counters,
    pub(super) extras: OnceBox<Extras>,
    /// How many failures in a row open it; zero for none.
    pub(super) run_limit: AtomicU32,
    pub(super) clock: Clock,
    identity: Identity,
    /// Those who listen to this breaker alone.
    hub: Once<Arc<Hub>>,
}

/// A call that was admitted and is not over.
#[derive(Clone, Copy, Debug)]
#[must_use = "a call that is not settled never ended"]
pub struct Admission<'a> {
    pub(super) circuit: &'a Circuit,
    pub(super) ticket: Ticket,
    pub(super) stamp: Stamp,
}

/// When a call started, if it is timed, and whether it holds a place in the bulkhead. In one word, because
/// it lies in every future.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp(u64);

/// A call that was not admitted, or was ended. It becomes a [`BreakerError`] only if somebody looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Rejected<'a> {
    pub(super) circuit: &'a Circuit,
    pub(super) kind: ErrorKind,
}

impl Circuit {
    pub(crate) fn new(identity: Identity, settings: Settings, clock: Clock) -> Self {
        let circuit = Self {
            run_limit: AtomicU32::new(run_limit(&settings)),
            extras: OnceBox::new(),
            machine: Machine::new(settings, clock.now()),
            counters: Counters::new(),
            clock,
            identity,
            hub: Once::new(),
        };
        circuit.make_extras(&circuit.config());
        circuit
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn config(&self) -> Settings {
        self.machine.settings()
    }

    /// Asks for one call that does not wait.
    #[inline]
    pub(crate) fn admit(&self) -> Result<Admission<'_>, Rejected<'_>> {
        self.admit_or(|_| false)
    }

    /// Asks for one call; blocks this thread while it waits for its turn.
    #[inline]
    pub(crate) fn admit_blocking(&self) -> Result<Admission<'_>, Rejected<'_>> {
        self.admit_or(|extras| extras.wait_blocking(&self.clock))
    }

    /// What comes back from the long way is taken apart here, so that the short one keeps all in registers.
    #[inline]
    fn admit_or(&self, wait: impl FnOnce(&Extras) -> bool) -> Result<Admission<'_>, Rejected<'_>> {
        let admitted = match self.machine.admit_freely().or_else(|| self.admit_in_passing()) {
            Some(ticket) => Ok((ticket, Stamp::NONE)),
            None => self.admit_otherwise(wait),
        };
        match admitted {
            Ok((ticket, stamp)) => Ok(Admission { circuit: self, ticket, stamp }),
            Err(kind) => Err(Rejected { circuit: self, kind }),
        }
    }

    /// Asks for one call; waits for its turn. Dropped meanwhile, the call was cancelled.
    pub(crate) async fn admit_waiting(&self) -> Result<Admission<'_>, Rejected<'_>> {
        let admitted = self.enter_waiting().await;
        let (ticket, stamp) = admitted.map_err(|kind| Rejected { circuit: self, kind })?;
        Ok(Admission { circuit: self, ticket, stamp })
    }

    async fn enter_waiting(&self) -> Result<(Ticket, Stamp), ErrorKind> {
        let ticket = match self.machine.admit_freely() {
            Some(ticket) => return Ok((ticket, Stamp::NONE)),
            None => self.admit_by_state()?,
        };
        let Some((extras, bulkhead)) = self.bulkhead_for(ticket) else {
            return Ok((ticket, self.start(Stamp::NONE)));
        };
        // From here on the call may be cancelled, and a trial's place must not be lost with it.
        let waiting = Permit::cancellable(Admission { circuit: self, ticket, stamp: Stamp::NONE });
        let wait = if extras.is_shadow() { Duration::ZERO } else { extras.max_wait() };
        let has_entered = bulkhead.enter_within(wait, &self.clock).await;
        _ = waiting.into_admission();
        self.enter(ticket, extras, has_entered)
    }

    /// A closed circuit that keeps a window and asks nothing at the start of a call.
    #[inline]
    fn admit_in_passing(&self) -> Option<Ticket> {
        let ticket = self.machine.admit_watched()?;
        self.extras.get()?.let_pass().then_some(ticket)
    }

    /// A restricted circuit, or one whose calls have a stamp. `wait` blocks until the call has a place in
    /// the bulkhead, or says that it waits no longer.
    #[cold]
    #[inline(never)]
    fn admit_otherwise(&self, wait: impl FnOnce(&Extras) -> bool) -> Result<(Ticket, Stamp), ErrorKind> {
        let ticket = self.admit_by_state()?;
        let Some((extras, bulkhead)) = self.bulkhead_for(ticket) else {
            return Ok((ticket, self.start(Stamp::NONE)));
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
            return Ok((ticket, self.start(Stamp::IN_BULKHEAD)));
        }
        if extras.is_shadow() {
            extras.count_shadow_rejection();
            return Ok((ticket, self.start(Stamp::NONE)));
        }
        self.give_back(ticket);
        self.counters.add(Total::Rare(Rare::Bulkhead));
        Err(ErrorKind::BulkheadFull)
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
        // An operator's word counts in shadow mode too: it is no guess of ours.
        if by != State::ForcedOpen
            && let Some(extras) = self.extras.get()
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
    fn start(&self, stamp: Stamp) -> Stamp {
        let is_timed = self.extras.get().is_some_and(Extras::is_timed);
        if is_timed { stamp.with(self.clock.start()) } else { stamp }
    }

    pub(super) fn order(&self, cause: Cause, by: Arc<str>) {
        let details = Details { ordered_by: Some(by), ..Details::default() };
        self.machine.order(cause, details, &self.clock);
        self.tell_news();
    }

    pub(crate) fn apply(&self, settings: Settings) {
        self.make_extras(&settings);
        let mut places = 0;
        self.machine.obey(settings, &self.clock, |settings, generation| {
            self.run_limit.store(run_limit(settings), Ordering::Relaxed);
            if let Some(extras) = self.extras.get() {
                places = extras.apply(settings, generation, &self.clock);
            }
        });
        if let Some(extras) = self.extras.get() {
            extras.hand_out(places);
        }
        self.tell_news();
    }

    pub(super) fn state(&self) -> State {
        self.machine.state(&self.clock)
    }

    /// The same, after all changes that have begun.
    pub(super) fn state_under_lock(&self) -> State {
        self.machine.observe(&self.clock).state
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let seen = self.machine.observe(&self.clock);
        let kept =
            self.extras.get().map_or_else(Kept::default, |extras| extras.kept(seen.generation, &self.clock));
        let critical = self.config().critical();
        Snapshot::new(self.who(), seen, self.counters.read(), kept, critical)
    }

    /// Closed, without a failure to remember.
    pub(crate) fn is_clean(&self) -> bool {
        self.machine.is_clean()
            && self.extras.get().is_none_or(|extras| {
                extras.is_clean(self.machine.observe(&self.clock).generation, &self.clock)
            })
    }

    pub(crate) fn totals(&self) -> Totals {
        self.counters.read()
    }

    /// Those who listen to this breaker alone.
    pub(super) fn hub(&self) -> &Arc<Hub> {
        self.hub.get_or_init(|| Box::new(Arc::default()))
    }

    /// Tells the listeners what has changed. The thread that does tells all there is, in order.
    #[inline]
    pub(super) fn tell_news(&self) {
        if self.machine.has_news() {
            self.tell();
        }
    }

    #[cold]
    fn tell(&self) {
        if !self.machine.begin_to_tell() {
            return;
        }
        while let Some(transition) = self.machine.next_news() {
            let (name, key) = self.who();
            let event = Event::Changed(Change::new(name, key, transition));
            for hub in self.hub.get().into_iter().chain(self.identity.hub()) {
                hub.tell(&event);
            }
        }
    }

    fn who(&self) -> (Name, Option<Arc<str>>) {
        (self.identity.name().clone(), self.identity.key().cloned())
    }

    fn make_extras(&self, config: &Config) {
        if Extras::are_needed(config) {
            self.extras.get_or_init(|| Box::new(Extras::new(config)));
            self.machine.watch();
        }
    }
}

impl Admission<'_> {
    pub(super) fn is_trial(&self) -> bool {
        self.ticket.is_trial()
    }
}

impl Drop for Circuit {
    fn drop(&mut self) {
        self.identity.retire(|| self.counters.read());
    }
}

fn run_limit(config: &Config) -> u32 {
    config.rules().consecutive.map_or(0, NonZeroU32::get)
}

impl Stamp {
    pub(super) const NONE: Self = Self(0);
    const IN_BULKHEAD: Self = Self(1 << 63);
    const TIMED: u64 = 1 << 62;

    const fn with(self, start: Start) -> Self {
        Self(self.0 | Self::TIMED | start.bits())
    }

    #[inline]
    pub(super) const fn is_none(self) -> bool {
        self.0 == 0
    }

    pub(super) const fn is_in_bulkhead(self) -> bool {
        self.0 & Self::IN_BULKHEAD.0 != 0
    }

    pub(super) const fn start(self) -> Option<Start> {
        if self.0 & Self::TIMED == 0 { None } else { Some(Start::from_bits(self.0 & (Self::TIMED - 1))) }
    }
}

impl From<Rejected<'_>> for BreakerError {
    fn from(Rejected { circuit, kind }: Rejected<'_>) -> Self {
        let due = match kind {
            ErrorKind::Open => Some(circuit.machine.due().unwrap_or_else(|| circuit.clock.coarse_now())),
            ErrorKind::HalfOpen | ErrorKind::ForcedOpen | ErrorKind::BulkheadFull | ErrorKind::TimedOut => {
                None
            }
        };
        Self::new(circuit.who(), kind, due, circuit.clock.clone())
    }
}
