//! The shared state of all clones of a breaker. The two halves of a call are in `admit.rs` and `record.rs`.

use std::fmt;
use std::io::Write as _;
use std::num::NonZeroU32;
use std::sync::Arc;

// The hub of listeners is not part of the loom tests.
use once_cell::race::OnceBox as Once;

use super::identity::Identity;
use super::options::CircuitOptions;
use crate::clock::Clock;
use crate::config::{CircuitId, Config, SharedConfig};
use crate::error::{BreakerError, ErrorKind};
use crate::event::{ChangesLost, Event, Hub, StateChange};
use crate::snapshot::{OptionalParts, Snapshot};
use crate::state::machine::{Machine, Pending};
use crate::state::{Cause, Details, Notification, State};
use crate::sync::{AtomicU32, AtomicU64, OnceBox, Ordering, fence};
use crate::totals::{Counters, Totals};

/// One circuit.
pub(crate) struct Circuit {
    pub(super) machine: Machine<SharedConfig>,
    pub(super) counters: Counters,
    pub(super) options: OnceBox<CircuitOptions>,
    /// Threshold of consecutive failures; 0 if there is none.
    pub(super) run_threshold: AtomicU32,
    /// The moment of the last failure or slow call of a closed circuit in nanoseconds, plus one; 0 before the
    /// first. It is recorded for the circuits of keys only.
    pub(super) last_fault: AtomicU64,
    pub(super) clock: Clock,
    identity: Identity,
    /// The listeners of this breaker alone.
    hub: Once<Arc<Hub>>,
}

/// A call that was rejected or timed out. It is converted to a [`BreakerError`] only when the error is
/// needed.
#[derive(Clone, Copy, Debug)]
pub struct Rejection<'a> {
    pub(crate) circuit: &'a Circuit,
    pub(super) kind: ErrorKind,
}

impl Circuit {
    pub(crate) fn new(identity: Identity, settings: SharedConfig, clock: Clock) -> Self {
        let circuit = Self {
            run_threshold: AtomicU32::new(run_threshold(&settings)),
            options: OnceBox::new(),
            last_fault: AtomicU64::new(0),
            machine: Machine::new(settings, clock.now()),
            counters: Counters::new(),
            clock,
            identity,
            hub: Once::new(),
        };
        circuit.prepare_options(&circuit.config());
        circuit
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn config(&self) -> SharedConfig {
        self.machine.config()
    }

    /// Executes an operator's command.
    pub(crate) fn command(&self, cause: Cause, initiator: Arc<str>) {
        let details = Details { initiator: Some(initiator), ..Details::default() };
        let hung = self.open_if_hung();
        self.notify_if(hung.or(self.machine.command(cause, details, &self.clock)));
    }

    /// Replaces the settings of the running circuit.
    pub(crate) fn set_config(&self, settings: SharedConfig) {
        let pending = self.apply_config(settings);
        self.announce_config(pending);
    }

    /// Replaces the settings, and runs no user code. The caller passes the result to
    /// [`announce_config`](Self::announce_config) once it holds no lock.
    pub(crate) fn apply_config(&self, settings: SharedConfig) -> Pending {
        let hung = self.open_if_hung();
        self.prepare_options(&settings);
        let applied = self.machine.set_config(settings, &self.clock, |settings, generation| {
            let run_threshold = run_threshold(settings);
            self.run_threshold.store(run_threshold, Ordering::Relaxed);
            if run_threshold == 0 {
                self.machine.forget_run(generation);
            }
            if let Some(options) = self.options.get() {
                options.set_config(settings, generation, &self.clock);
                self.resume_recording(options, generation);
            }
        });
        hung.or(applied)
    }

    /// Offers new slots to waiting calls, and notifies listeners. The caller holds no lock, because this wakes
    /// waiting calls.
    pub(crate) fn announce_config(&self, pending: Pending) {
        if let Some(options) = self.options.get() {
            options.offer_free_slots(&self.clock);
        }
        self.notify_if(pending);
    }

    pub(super) fn state(&self) -> State {
        match self.hung_call() {
            None => self.machine.state(&self.clock),
            hung => self.machine.observe(&self.clock, hung).state,
        }
    }

    /// Returns the state; waits for a change that is being made.
    pub(super) fn state_under_lock(&self) -> State {
        self.machine.observe(&self.clock, self.hung_call()).state
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let observed = self.machine.observe(&self.clock, self.hung_call());
        let parts = self
            .options
            .get()
            .map_or_else(OptionalParts::default, |options| options.parts(observed.generation, &self.clock));
        Snapshot::new(self.id(), observed, self.counters.read(), parts, &self.config())
    }

    /// Returns `true` if a listener is registered for this circuit alone.
    pub(super) fn has_listeners(&self) -> bool {
        self.hub.get().is_some_and(|hub| hub.is_used())
    }

    /// Returns `true` if exactly `handles` breakers share the circuit. What the owners of others did is visible.
    pub(crate) fn has_handles(self: &Arc<Self>, handles: usize) -> bool {
        let is_exact = Arc::strong_count(self) == handles;
        fence(Ordering::Acquire);
        is_exact
    }

    /// Returns a number that differs between circuits that exist at the same time.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    pub(crate) fn totals(&self) -> Totals {
        self.counters.read()
    }

    /// Returns the hub of the listeners of this breaker alone.
    pub(super) fn hub(&self) -> &Arc<Hub> {
        self.hub.get_or_init(|| Box::new(Arc::default()))
    }

    /// Notifies listeners of pending transitions, in order. One thread at a time notifies; it also delivers
    /// the transitions that other threads add meanwhile.
    #[inline]
    pub(super) fn notify_if(&self, pending: Pending) {
        match pending {
            Pending::Nothing => {}
            Pending::Transitions => self.notify(),
        }
    }

    #[cold]
    fn notify(&self) {
        // Callers of `wait_closed` need not wait for listeners.
        if let Some(hub) = self.hub.get() {
            hub.wake_waiters();
        }
        if !self.machine.try_start_notifying() {
            return;
        }
        while let Some(notification) = self.machine.next_notification() {
            let event = match notification {
                Notification::Transition(change) => Event::StateChanged(StateChange::new(self.id(), change)),
                Notification::Lost(count) => Event::ChangesLost(ChangesLost::new(self.id(), count)),
            };
            for hub in self.hub.get().into_iter().chain(self.identity.hub()) {
                hub.notify(&event);
            }
        }
    }

    /// Writes to stderr, once for each circuit and its settings, that a limit does not apply to a call whose
    /// fallback uses arguments that cannot be cloned.
    #[cold]
    pub(super) fn report_inapplicable(&self, limit: &str) {
        if self.options.get().is_some_and(CircuitOptions::report_once) {
            let id = self.id();
            // Unlike `eprintln!`, this does not panic if stderr is closed.
            _ = writeln!(
                std::io::stderr(),
                "warning: {id}: {limit} does not apply to an async function whose fallback uses arguments that \
                 cannot be cloned; implement `Clone` for them, pass them by shared reference, or write a fallback \
                 that does not use them"
            );
        }
    }

    pub(crate) fn id(&self) -> CircuitId {
        CircuitId { name: self.identity.name().clone(), key: self.identity.key().cloned() }
    }

    /// Allocates what these settings need. Called before they apply and without a lock, because calibrating
    /// the clock takes about a millisecond.
    fn prepare_options(&self, config: &Config) {
        if config.durations() {
            Clock::prepare();
        }
        if CircuitOptions::are_needed(config) {
            self.options.get_or_init(|| Box::new(CircuitOptions::new(config)));
            self.machine.track(CircuitOptions::tracking(config));
        }
    }
}

impl fmt::Debug for Circuit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Circuit").field("name", self.identity.name()).finish_non_exhaustive()
    }
}

fn run_threshold(config: &Config) -> u32 {
    config.rules().consecutive.map_or(0, NonZeroU32::get)
}

impl From<Rejection<'_>> for BreakerError {
    fn from(Rejection { circuit, kind }: Rejection<'_>) -> Self {
        let due = match kind {
            ErrorKind::Open => Some(circuit.machine.due().unwrap_or_else(|| circuit.clock.coarse_now())),
            ErrorKind::Ramping => Some(circuit.retry_after_ramping()),
            ErrorKind::HalfOpen | ErrorKind::ForcedOpen | ErrorKind::BulkheadFull | ErrorKind::TimedOut => {
                None
            }
        };
        Self::new(circuit.id(), kind, due, circuit.clock.clone())
    }
}
