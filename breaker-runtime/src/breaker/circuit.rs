//! What all clones of a breaker share. The two halves of a call are in `admit.rs` and `settle.rs`.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

// Of listeners, whom loom does not follow.
use once_cell::race::OnceBox as Once;

use super::extras::Extras;
use super::identity::Identity;
use crate::clock::{Clock, Start};
use crate::config::{CircuitId, Config, Settings};
use crate::error::{BreakerError, ErrorKind};
use crate::event::{Event, Hub, StateChange};
use crate::snapshot::{OptionalParts, Snapshot};
use crate::state::machine::{Machine, Ticket};
use crate::state::{Cause, Details, State};
use crate::sync::{AtomicU32, OnceBox, Ordering};
use crate::totals::{Counters, Totals};

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

/// A call that was admitted and is not over. A copy only so that a permit, which has a `Drop`, can hand it on;
/// whoever settles it takes it out of where it was.
#[derive(Clone, Copy, Debug)]
#[must_use = "a call that is not settled never ended"]
pub struct Admission<'a> {
    pub(crate) circuit: &'a Circuit,
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
    pub(crate) circuit: &'a Circuit,
    pub(super) kind: ErrorKind,
}

/// Whether a call may go through.
pub(crate) type Acquired<'a> = Result<Admission<'a>, Rejected<'a>>;

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

    pub(crate) fn order(&self, cause: Cause, by: Arc<str>) {
        let details = Details { initiator: Some(by), ..Details::default() };
        self.machine.order(cause, details, &self.clock);
        self.tell_news();
    }

    pub(crate) fn set_config(&self, settings: Settings) {
        self.make_extras(&settings);
        let mut places = 0;
        self.machine.obey(settings, &self.clock, |settings, generation| {
            self.run_limit.store(run_limit(settings), Ordering::Relaxed);
            if let Some(extras) = self.extras.get() {
                places = extras.set_config(settings, generation, &self.clock);
                self.enter_window(extras, generation);
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
        let kept = self
            .extras
            .get()
            .map_or_else(OptionalParts::default, |extras| extras.kept(seen.generation, &self.clock));
        Snapshot::new(self.who(), seen, self.counters.read(), kept, &self.config())
    }

    /// Closed, without anything to remember: no failure, no listener, no settings other than these.
    pub(crate) fn is_clean(&self, settings: &Config) -> bool {
        self.machine.is_clean()
            && !self.has_listeners()
            && *self.config() == *settings
            && self.extras.get().is_none_or(|extras| {
                extras.is_clean(self.machine.observe(&self.clock).generation, &self.clock)
            })
    }

    pub(crate) fn has_listeners(&self) -> bool {
        self.hub.get().is_some()
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
            self.wake();
            self.tell();
        }
    }

    /// Those who wait for a state need not wait for those who are told of it.
    #[cold]
    fn wake(&self) {
        if let Some(hub) = self.hub.get() {
            hub.wake();
        }
    }

    #[cold]
    fn tell(&self) {
        if !self.machine.begin_to_tell() {
            return;
        }
        while let Some(transition) = self.machine.next_news() {
            let event = Event::StateChanged(StateChange::new(self.who(), transition));
            for hub in self.hub.get().into_iter().chain(self.identity.hub()) {
                hub.tell(&event);
            }
        }
    }

    fn who(&self) -> CircuitId {
        CircuitId { name: self.identity.name().clone(), key: self.identity.key().cloned() }
    }

    /// Something has changed in the window that a success may have to follow.
    pub(super) fn enter_window(&self, extras: &Extras, generation: u64) {
        if extras.is_windowed() {
            self.machine.enter_window(generation);
        }
    }

    /// Before the settings are obeyed, and under no lock: to make a clock ready takes a while.
    fn make_extras(&self, config: &Config) {
        if config.durations() {
            Clock::prepare();
        }
        if Extras::are_needed(config) {
            self.extras.get_or_init(|| Box::new(Extras::new(config)));
            self.machine.keep(Extras::keeps(config));
        }
    }
}

impl Admission<'_> {
    pub(super) fn is_trial(&self) -> bool {
        self.ticket.is_trial()
    }
}

impl fmt::Debug for Circuit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Circuit").field("name", self.identity.name()).finish_non_exhaustive()
    }
}

impl Drop for Circuit {
    fn drop(&mut self) {
        self.identity.retire(|| self.snapshot());
    }
}

fn run_limit(config: &Config) -> u32 {
    config.rules().consecutive.map_or(0, NonZeroU32::get)
}

impl Stamp {
    pub(super) const NONE: Self = Self(0);
    pub(super) const IN_BULKHEAD: Self = Self(1 << 63);
    const TIMED: u64 = 1 << 62;

    pub(super) const fn with(self, start: Start) -> Self {
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
