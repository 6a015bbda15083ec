//! The shared state of all clones of a breaker. The two halves of a call are in `admit.rs` and `record.rs`.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::extras::Extras;
use super::identity::{Identity, is_same_text};
use super::open_limit::OpenCounts;
use super::options::CircuitOptions;
use crate::clock::{Clock, Moment};
use crate::config::{CircuitId, Config, SharedConfig};
use crate::error::{BreakerError, ErrorKind, Origin};
use crate::event::{ChangesLost, Event, Hub, StateChange};
use crate::snapshot::{OptionalParts, Snapshot};
use crate::state::machine::{Machine, Pending};
use crate::state::{Cause, DatedTransition, Details, Notification, Opening, State, Transition};
use crate::sync::{AtomicU32, AtomicU64, OnceBox, Ordering, fence};
use crate::totals::{Counters, Totals};
use crate::warning::warn;

/// One circuit. What each call of a key reads comes first, so that it is in few cache lines.
#[repr(C)]
pub struct Circuit {
    /// Shared with the errors of this circuit, which need no other part of it.
    identity: Arc<SharedIdentity>,
    /// The mark of an eviction that decides about the circuit, or of its removal, and its calls when an eviction last
    /// examined it; see `eviction_mark.rs`.
    pub(super) mark: AtomicU32,
    /// Threshold of consecutive failures; 0 if there is none.
    pub(super) run_threshold: AtomicU32,
    pub(super) counters: Counters,
    pub(crate) machine: Machine<SharedConfig>,
    pub(crate) options: OnceBox<CircuitOptions>,
    /// The moment in nanoseconds, plus one, at which the last failure, slow call or trial call ended; 0 before the
    /// first. It is recorded for the circuits of keys only.
    pub(super) last_fault_or_trial: AtomicU64,
    pub(super) clock: Clock,
    /// The parts that few circuits have.
    pub(super) extras: OnceBox<Extras>,
    /// The listeners of its registry, if it is in one.
    registry_hub: Option<Arc<Hub>>,
}

/// A call that was rejected or timed out. It is converted to a [`BreakerError`] only when the error is
/// needed.
#[derive(Clone, Copy, Debug)]
pub struct Rejection<'a> {
    pub(crate) circuit: &'a Circuit,
    pub(crate) kind: ErrorKind,
}

/// The identity of a circuit, and a weak reference by which its errors find the circuit while it exists. An error that
/// is stored for a long time therefore keeps no circuit from being evicted, and no listener registered.
#[derive(Debug)]
struct SharedIdentity {
    identity: Identity,
    circuit: Weak<Circuit>,
}

impl Circuit {
    /// Creates a circuit, whose events the listeners of `registry_hub` receive.
    pub(crate) fn new(
        identity: Identity,
        settings: SharedConfig,
        clock: Clock,
        registry_hub: Option<Arc<Hub>>,
    ) -> Arc<Self> {
        let circuit = Arc::new_cyclic(|circuit| Self {
            run_threshold: AtomicU32::new(run_threshold(&settings)),
            mark: AtomicU32::default(),
            options: OnceBox::new(),
            last_fault_or_trial: AtomicU64::new(0),
            machine: Machine::new(settings, clock.now()),
            counters: Counters::new(),
            clock,
            identity: Arc::new(SharedIdentity::new(identity, circuit.clone())),
            extras: OnceBox::new(),
            registry_hub,
        });
        circuit.prepare_options(&circuit.config());
        circuit
    }

    pub(crate) fn identity(&self) -> &Identity {
        self.identity.get()
    }

    /// Returns `true` if this is the circuit of `key`.
    #[inline]
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.identity().key().is_some_and(|own| is_same_text(own, key))
    }

    /// Returns `true` if this is the circuit of the keys that have none of their own.
    pub(crate) fn is_overflow(&self) -> bool {
        self.identity().is_member() && self.identity().key().is_none()
    }

    /// Returns a handle to this circuit.
    pub(super) fn handle(&self) -> Option<Arc<Self>> {
        self.identity.circuit.upgrade()
    }

    pub(crate) fn config(&self) -> SharedConfig {
        self.machine.config()
    }

    /// Executes an operator's command.
    pub(crate) fn command(&self, cause: Cause, initiator: Arc<str>) {
        let pending = self.apply_command(cause, initiator);
        self.notify_if(pending);
    }

    /// Executes an operator's command, and runs no user code. The caller passes the result to
    /// [`announce`](Self::announce).
    pub(crate) fn apply_command(&self, cause: Cause, initiator: Arc<str>) -> Pending {
        let details = Details { initiator: Some(initiator), ..Details::default() };
        self.change_after_hang(|hung| self.machine.command(cause, details, &self.clock, hung))
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

    pub(crate) fn snapshot(&self) -> Snapshot {
        let observed = self.machine.observe(&self.clock, self.hung_call());
        let parts = self
            .options
            .get()
            .map_or_else(OptionalParts::default, |options| options.parts(observed.generation, &self.clock));
        let parts =
            OptionalParts { waives: self.waives(), queue: self.queue_counts(), drill: self.drill(), ..parts };
        Snapshot::new(self.id(), observed, self.counters.read(), parts, self.config())
    }

    /// Returns the clock of this circuit.
    #[allow(dead_code, reason = "only the feature `chaos` reads it")]
    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Returns the total time in `Open` and `ForcedOpen`.
    pub(crate) fn time_open(&self) -> Duration {
        self.machine.observe(&self.clock, self.hung_call()).history.time_open
    }

    /// Returns the current time of the clock of this circuit.
    pub(crate) fn now(&self) -> Moment {
        self.clock.now()
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

    /// Returns the transition that began the current generation.
    pub(super) fn last_transition(&self) -> Option<Arc<Transition>> {
        self.machine.last_transition()
    }

    /// Returns `true` if a permit could be acquired now.
    pub(super) fn would_admit(&self) -> bool {
        let options = self.options.get();
        if options.is_some_and(CircuitOptions::is_shadow) {
            return true;
        }
        let bulkhead = options.and_then(CircuitOptions::bulkhead);
        let admits = self.state_would_admit()
            && (self.state() == State::Disabled
                || bulkhead.is_none_or(|bulkhead| bulkhead.would_admit(&self.clock)));
        if !admits {
            self.count_refused_question();
        }
        admits
    }

    /// Returns `true` if a call that needs no bulkhead slot would be admitted now.
    pub(super) fn state_would_admit(&self) -> bool {
        self.machine.would_admit(&self.clock, self.hung_call()) || self.waives()
    }

    /// Returns when to call again after a rejection that no current open state explains. It is not inlined, so that
    /// functions that convert a rejection need no stack for it.
    #[cold]
    #[inline(never)]
    fn retry_after_other(&self, kind: ErrorKind) -> Option<Moment> {
        match kind {
            // The circuit has changed its state since.
            ErrorKind::Open => Some(self.clock.coarse_now()),
            ErrorKind::Ramping => Some(self.retry_after_ramping()),
            ErrorKind::HalfOpen
            | ErrorKind::ForcedOpen
            | ErrorKind::BulkheadFull
            | ErrorKind::Injected
            | ErrorKind::TimedOut => None,
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        self.counters.read()
    }

    /// Returns the hub of its registry, unless it is in none.
    pub(super) const fn registry_hub(&self) -> Option<&Arc<Hub>> {
        self.registry_hub.as_ref()
    }

    /// Returns the hub of this breaker, if it has been used, and that of its registry.
    pub(crate) fn hubs(&self) -> impl Iterator<Item = &Arc<Hub>> {
        self.extras.get().map(|extras| &extras.hub).into_iter().chain(&self.registry_hub)
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
        // Neither calls that wait for a slot nor callers of `wait_closed` wait for listeners.
        let waiving = self.take_effect();
        self.notify_listeners(waiving);
    }

    /// Wakes calls and tasks that wait for a change of the state, and gives up or takes an open slot. Runs no listener.
    /// The caller passes the result to [`notify_listeners`](Self::notify_listeners).
    pub(super) fn take_effect(&self) -> Option<OpenCounts> {
        if let Some(options) = self.options.get()
            && options.bulkhead().is_some()
        {
            options.wake_waiting_calls(&self.clock);
        }
        self.wake_waiters();
        self.update_open_slot()
    }

    pub(super) fn notify_listeners(&self, waiving: Option<OpenCounts>) {
        self.notify_of_transitions();
        self.announce_waiving(waiving);
    }

    /// Wakes the callers of `wait_closed`. No lock may be held.
    pub(crate) fn wake_waiters(&self) {
        if let Some(extras) = self.extras.get() {
            extras.hub.wake_waiters();
        }
    }

    fn notify_of_transitions(&self) {
        if !self.machine.try_start_notifying() {
            // The thread that notifies runs listeners of the program, which may take any time.
            return self.notify_fleet();
        }
        while let Some(notification) = self.machine.next_notification() {
            let event = match notification {
                Notification::Transition(DatedTransition { transition, at }) => {
                    self.report_if_alone(&transition);
                    Event::StateChanged(StateChange::new(self.id(), transition, at))
                }
                Notification::Lost(count) => Event::ChangesLost(ChangesLost::new(self.id(), count)),
            };
            self.notify_listeners_of(&event);
        }
    }

    /// Notifies the listeners of this circuit and of its registry: first the fleet and integrations, which do not wait
    /// for listeners of the program. No lock may be held.
    pub(crate) fn notify_listeners_of(&self, event: &Event) {
        self.hubs().for_each(|hub| hub.notify_integrations(event));
        self.hubs().for_each(|hub| hub.notify_program(event));
    }

    /// Notifies the fleet of the last state change, which may be one of several that listeners have not received.
    pub(super) fn notify_fleet(&self) {
        if let Some(hub) = self.registry_hub().filter(|hub| hub.informs_fleet())
            && let Some(transition) = self.last_transition()
        {
            hub.notify_fleet(&Event::StateChanged(StateChange::new(self.id(), transition, self.now())));
        }
    }

    /// Writes to stderr, once for each circuit and its settings, that a limit does not apply to a call whose
    /// fallback uses arguments that cannot be cloned.
    #[cold]
    pub(super) fn report_inapplicable(&self, limit: &str) {
        if self.options.get().is_some_and(CircuitOptions::report_once) {
            let id = self.id();
            warn(format_args!(
                "{id}: {limit} does not apply to an async function whose fallback uses arguments that \
                 cannot be cloned; implement `Clone` for them, pass them by shared reference, or write a fallback \
                 that does not use them"
            ));
        }
    }

    pub(crate) fn id(&self) -> CircuitId {
        let identity = self.identity();
        CircuitId { name: identity.name().clone(), key: identity.key().cloned() }
    }

    /// Writes the `Debug` output of a permit of this circuit.
    pub(super) fn write_permit(
        &self,
        type_name: &str,
        is_trial: bool,
        out: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        let mut fields = out.debug_struct(type_name);
        fields.field("name", &self.identity().name().as_str());
        if let Some(key) = self.identity().key() {
            fields.field("key", key);
        }
        fields.field("is_trial", &is_trial).finish()
    }
}

impl fmt::Debug for Circuit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Circuit").field("name", self.identity().name()).finish_non_exhaustive()
    }
}

impl SharedIdentity {
    const fn new(identity: Identity, circuit: Weak<Circuit>) -> Self {
        Self { identity, circuit }
    }

    const fn get(&self) -> &Identity {
        &self.identity
    }
}

impl Origin for SharedIdentity {
    fn name(&self) -> &str {
        self.identity.name().as_str()
    }

    fn key(&self) -> Option<&str> {
        self.identity.key().map(|key| &**key)
    }

    fn last_transition(&self) -> Option<Arc<Transition>> {
        self.circuit.upgrade()?.last_transition()
    }
}

/// Returns the threshold of consecutive failures; 0 if they are not counted. Those of a shared circuit are counted also
/// without such a rule, because a fleet needs to know whether the last call failed.
pub(super) fn run_threshold(config: &Config) -> u32 {
    let without_rule = if config.shared().is_shared() { u32::MAX } else { 0 };
    config.rules().consecutive.map_or(without_rule, NonZeroU32::get)
}

impl From<Rejection<'_>> for BreakerError {
    fn from(Rejection { circuit, kind }: Rejection<'_>) -> Self {
        let current = if kind == ErrorKind::Open { circuit.machine.opening() } else { None };
        let opening =
            current.or_else(|| circuit.retry_after_other(kind).map(|due| Opening { due, generation: None }));
        let origin = Arc::clone(&circuit.identity);
        Self::from_circuit(origin, kind, opening, circuit.clock.clone())
    }
}
