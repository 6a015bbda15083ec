//! The circuit breaker itself: admits calls, records their results, and executes the commands of operators.
//!
//! | file | contents |
//! |---|---|
//! | `calls.rs` | the methods that run a call |
//! | `circuit.rs` | the shared state of all clones of a breaker |
//! | `circuit_config.rs` | the settings of a running circuit |
//! | `admit.rs` | the first half of a call: admission |
//! | `checks.rs` | the checks of a closed circuit that ramps or watches its calls |
//! | `wait_closed.rs` | waiting until a circuit closes |
//! | `watch.rs` | the running calls of a circuit with `hang` |
//! | `decision.rs` | the admission or rejection of a call, packed into two words |
//! | `admission.rs` | an admitted call that has not been recorded |
//! | `stamp.rs` | the per-call flags of an admission |
//! | `slot_wait.rs` | a call that waits for a bulkhead slot |
//! | `wait_timers.rs` | the timers of such a call |
//! | `slot_holders.rs` | the calls of a thread that hold a slot, in which inner calls run |
//! | `permit.rs` | the guard of an admission, which settles it at most once |
//! | `owned_permit.rs` | a permit that owns its circuit |
//! | `kept_call.rs` | a successful call that is settled later |
//! | `streamed_call.rs` | a call whose result arrives in parts |
//! | `service_call.rs` | a call of a service, whose future is polled elsewhere |
//! | `failure.rs` | the description of a failed call: its text, and how long to wait |
//! | `record.rs` | the second half of a call: recording its result |
//! | `call_report.rs` | reports single calls to the listeners that ask for them |
//! | `saturation.rs` | lets successes skip a window that they would not change |
//! | `async_call.rs` | the guard of an async call before its future exists |
//! | `call_progress.rs` | the state of an async call between two polls |
//! | `call_future.rs` | the body of an async call and its progress |
//! | `special_call.rs` | the wait or the time limit of an async call |
//! | `gate.rs` | a drill between the admission of a call and its body |
//! | `gated_call.rs` | the calls of a circuit with a drill |
//! | `extras.rs` | what few circuits have |
//! | `circuit_extras.rs` | access to it |
//! | `delayed_call.rs` | the delay of async calls and of the calls of services |
//! | `future.rs` | the futures that resolve to a result or a rejection |
//! | `open_limit.rs` | how many circuits of a keyed breaker reject calls at the same time |
//! | `waiving.rs` | the calls that an open circuit admits because of that limit |
//! | `play.rs` | calls of another circuit, played through this one |
//! | `tap.rs` | what sees each call that ends |
//! | `tapped_calls.rs` | the calls of a circuit with taps |
//! | `options.rs` | optional state: window, durations, bulkhead, shadow mode |
//! | `bulkhead.rs` | the limit on concurrent calls, and the calls that wait |
//! | `identity.rs` | the name and the key of a circuit |
//! | `idleness.rs` | when the circuit of a key can be evicted |
//! | `eviction_mark.rs` | the mark of a circuit that is being evicted or was removed |
//! | `live_settings.rs` | the settings of a breaker while it is used |
//! | `operator.rs` | the commands of an operator |
//! | `retry_budget.rs` | the limit on retries of calls |
//! | `retry_log.rs` | the recent successes and retries of a circuit |
//! | `refused_questions.rs` | questions whether a call would be admitted, as a demand for trial calls of a fleet |
//! | `sharing.rs` | a circuit that the processes of a fleet share |
//! | `attachments.rs` | what strategies keep with a circuit |
//! | `queue_counters.rs` | the figures of the queues of a circuit |
//! | `queue_access.rs` | what a queue for rejected calls needs of its circuit |
//! | `unannounced.rs` | a change of the state that listeners have not been notified of |
//!
//! Invariants: no lock is held while user code runs; every permit is settled at most once, by its owner or
//! when it is dropped; a result counts only in the generation that admitted its call.

mod admission;
mod admit;
mod async_call;
mod attachments;
mod bulkhead;
mod call_future;
mod call_progress;
mod call_report;
mod calls;
mod checks;
mod circuit;
mod circuit_extras;
mod circuit_config;
mod decision;
mod delayed_call;
mod eviction_mark;
mod extras;
mod failure;
mod future;
mod gate;
mod gated_call;
mod identity;
mod idleness;
mod kept_call;
mod live_settings;
mod open_limit;
mod operator;
mod options;
mod owned_permit;
mod permit;
#[allow(dead_code, reason = "only the feature `shadow` plays calls")]
mod play;
#[allow(dead_code, reason = "only the feature `queue` waits for an admission")]
mod queue_access;
mod queue_counters;
mod record;
mod refused_questions;
mod retry_budget;
mod retry_log;
mod saturation;
mod sharing;
#[allow(dead_code, reason = "only the feature `tower` has services")]
mod service_call;
mod slot_holders;
mod slot_wait;
mod special_call;
mod stamp;
#[allow(dead_code, reason = "only the features `stream` and `http` have calls whose result arrives in parts")]
mod streamed_call;
mod tap;
mod tapped_calls;
#[allow(dead_code, reason = "only the integration `axum` commands circuits on async threads")]
mod unannounced;
mod wait_closed;
mod wait_timers;
mod waiving;
mod watch;

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

pub use self::admission::Admission;
pub(crate) use self::admission::AdmitResult;
pub use self::async_call::{AsyncCall, StartedCall};
pub(crate) use self::attachments::{AttachmentOwner, Attachments};
pub(crate) use self::call_future::CallFuture;
pub use self::circuit::Circuit;
pub use self::circuit::Rejection;
pub(crate) use self::future::{Guarded, Waited};
#[allow(unused_imports, reason = "only the feature `chaos` sets gates")]
pub(crate) use self::gate::{Gate, GatedCircuits};
pub(crate) use self::identity::{Identity, KeyGroup};
pub(crate) use self::idleness::{Idleness, NotIdleUntil};
pub use self::kept_call::KeptCall;
pub use self::operator::Operator;
#[allow(unused_imports, reason = "only the feature `chaos` records another operator")]
pub(crate) use self::operator::escaped_initiator;
pub use self::owned_permit::OwnedPermit;
pub use self::permit::Permit;
#[allow(unused_imports, reason = "only the feature `shadow` plays calls")]
pub(crate) use self::play::PlayedCall;
#[allow(unused_imports, reason = "only the feature `queue` counts items")]
pub(crate) use self::queue_counters::QueueCounters;
pub use self::retry_budget::RetryBudget;
#[allow(unused_imports, reason = "only the feature `tower` has services")]
pub(crate) use self::service_call::{ServiceCall, ServiceStart, SlotRequest};
#[allow(
    unused_imports,
    reason = "only the features `stream` and `http` have calls whose result arrives in parts"
)]
pub(crate) use self::streamed_call::{PartMeaning, StreamedCall};
#[allow(unused_imports, reason = "only the features `shadow` and `recorder` have taps")]
pub(crate) use self::tap::{CallEnd, CallTap, CompletedCall, TapsStart};
#[allow(unused_imports, reason = "as above")]
pub(crate) use self::tapped_calls::TapSource;
#[allow(unused_imports, reason = "only the integration `axum` commands circuits on async threads")]
pub(crate) use self::unannounced::Unannounced;

use crate::clock::Clock;
use crate::config::{Config, ConfigError, Name, SharedConfig};
use crate::error::BreakerError;
use crate::event::{Audience, CallEvent, CallEvents, Hub, Listener, Subscription};
use crate::snapshot::Snapshot;
use crate::state::State;

/// A circuit breaker. Clones are cheap and share one circuit.
///
/// Most breakers are created by the attribute [`circuit_breaker`](crate::circuit_breaker). Create one yourself
/// to protect something that is not a function, or to control a breaker by hand.
///
/// ```
/// use breaker_runtime::{BreakerError, CircuitBreaker, Config, ErrorKind};
///
/// #[derive(Debug, thiserror::Error)]
/// enum SearchError {
///     #[error("the search is down")]
///     Down,
///     #[error(transparent)]
///     Open(#[from] BreakerError),
/// }
///
/// let breaker = CircuitBreaker::new("search", Config::builder().failure_threshold(1).build()?)?;
/// let search = || breaker.call(|| Err::<String, _>(SearchError::Down));
/// assert!(matches!(search(), Err(SearchError::Down)));
/// let Err(SearchError::Open(error)) = search() else { panic!("the circuit is open") };
/// assert_eq!(error.kind(), ErrorKind::Open);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct CircuitBreaker {
    circuit: Arc<Circuit>,
}

impl CircuitBreaker {
    /// Creates a breaker that is in no registry. Dashboards, metrics and
    /// [`Registry::listen`](crate::Registry::listen) do not include it.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is empty or longer than 255 bytes, or if `config` sets
    /// [`max_open`](crate::ConfigBuilder::max_open), which needs keys.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::default())?;
    /// assert_eq!((breaker.name(), breaker.key()), ("payment", None));
    /// assert!(CircuitBreaker::new("", Config::default()).is_err());
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    #[track_caller]
    pub fn new(name: impl Into<Cow<'static, str>>, config: Config) -> Result<Self, ConfigError> {
        config.check_without_keys()?;
        let identity = Identity::Alone { name: Name::new(name.into())? };
        let settings = SharedConfig::of_call(config, Location::caller());
        Ok(Self::new_unchecked(identity, settings, Clock::here()))
    }

    /// Creates a breaker whose name and settings have been checked, and that is in no registry.
    pub(crate) fn new_unchecked(identity: Identity, settings: SharedConfig, clock: Clock) -> Self {
        Self { circuit: Circuit::new(identity, settings, clock, None) }
    }

    /// Creates a breaker whose name and settings have been checked, for the registry with this hub.
    pub(crate) fn in_registry(
        identity: Identity,
        settings: SharedConfig,
        clock: Clock,
        hub: Arc<Hub>,
    ) -> Self {
        Self { circuit: Circuit::new(identity, settings, clock, Some(hub)) }
    }

    /// Returns a breaker with this circuit.
    #[inline]
    pub(crate) const fn of(circuit: Arc<Circuit>) -> Self {
        Self { circuit }
    }

    /// Acquires a permit for one call without waiting. The permit borrows the breaker and must be
    /// [settled](Permit::settle); see [`Permit`] for the effects of dropping or leaking it. The call is timed
    /// from now, and `call_timeout` does not apply to it. In shadow mode every call gets a permit.
    ///
    /// # Errors
    ///
    /// Returns an error if the call is rejected.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let permit = breaker.try_acquire()?;
    /// permit.settle(Outcome::Success);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_acquire(&self) -> Result<Permit<'_>, BreakerError> {
        Ok(Permit::for_caller(self.circuit.try_admit()?))
    }

    /// Acquires a permit like [`try_acquire`](Self::try_acquire) that does not borrow the breaker.
    ///
    /// # Errors
    ///
    /// Returns an error if the call is rejected.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, OwnedPermit, Outcome};
    ///
    /// /// A response that is read in pieces. The call ends with the last piece.
    /// struct Body {
    ///     pieces: Vec<&'static str>,
    ///     permit: Option<OwnedPermit>,
    /// }
    ///
    /// impl Iterator for Body {
    ///     type Item = &'static str;
    ///     fn next(&mut self) -> Option<&'static str> {
    ///         let piece = self.pieces.pop();
    ///         if piece.is_none()
    ///             && let Some(permit) = self.permit.take()
    ///         {
    ///             permit.settle(Outcome::Success);
    ///         }
    ///         piece
    ///     }
    /// }
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let body = Body { pieces: vec!["b", "a"], permit: Some(breaker.try_acquire_owned()?) };
    /// assert_eq!(body.collect::<String>(), "ab");
    /// assert_eq!(breaker.snapshot().totals.successes, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn try_acquire_owned(&self) -> Result<OwnedPermit, BreakerError> {
        Ok(OwnedPermit::new(&self.circuit, self.try_acquire()?))
    }

    /// Returns `true` if [`try_acquire`](Self::try_acquire) would return a permit now. Acquires no slot and changes
    /// no state and no count.
    ///
    /// A load balancer skips a host while this returns `false`. The [state](Self::state) does not serve for that: a
    /// circuit whose trial call is due is still open, and becomes half-open only if a call arrives. The answer
    /// considers the state, the recovery timeout, trial slots and their leases, `max_concurrent`, the mode, and
    /// the commands of operators. Other threads may change it before the next call.
    ///
    /// A process of a fleet whose open circuit answers `false` asks the fleet for trial calls, as after a rejected call
    /// (feature `redis`).
    ///
    /// A call that would have to wait for a slot is not admitted *now*, so the result is `false`. While the circuit
    /// closes gradually ([`ramp`](crate::ConfigBuilder::ramp)), the result is `true`, although only a share of the
    /// calls is admitted. Inside a call of the circuit, a further call by [`call`](Self::call) or the attribute [runs
    /// in its slot](crate::circuit_breaker#calls-inside-calls) and can be admitted although this is `false`.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let hosts = ["eu-1", "eu-2"].map(|host| CircuitBreaker::new(host, Config::default()).unwrap());
    /// hosts[0].force_open();
    /// let next = hosts.iter().find(|host| host.would_admit()).expect("a host is healthy");
    /// assert_eq!(next.name(), "eu-2");
    /// ```
    #[must_use]
    pub fn would_admit(&self) -> bool {
        self.circuit.would_admit()
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.circuit.identity().name().as_str()
    }

    /// Returns the key of this circuit. `None` for a breaker without keys and for the overflow circuit.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.circuit.identity().key().map(|key| &**key)
    }

    /// Returns the state. Reading changes nothing: an open circuit whose recovery time has passed reads
    /// [`Open`](State::Open) until a call arrives. A circuit that closes gradually reads [`Closed`](State::Closed).
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome, State};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::builder().failure_threshold(1).build()?)?;
    /// assert_eq!(breaker.state(), State::Closed);
    /// breaker.try_acquire()?.settle(Outcome::Failure);
    /// assert_eq!(breaker.state(), State::Open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> State {
        self.circuit.state()
    }

    /// Returns a snapshot of the breaker at this moment.
    ///
    /// ```
    /// use breaker_runtime::{BreakerError, CircuitBreaker, Config, State};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::default())?;
    /// breaker.call(|| Ok::<_, BreakerError>("paid"))?;
    /// let snapshot = breaker.snapshot();
    /// assert_eq!((snapshot.name(), snapshot.state, snapshot.totals.successes), ("payment", State::Closed, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.circuit.snapshot()
    }

    /// Notifies `listener` of the events of this breaker until the returned subscription is dropped. An event that
    /// another thread is delivering at the start or at the end may arrive too.
    /// [`Registry::listen`](crate::Registry::listen) covers all breakers of a registry.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use breaker_runtime::{CircuitBreaker, Config, Event};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let (sender, events) = mpsc::channel();
    /// let subscription = breaker.listen(move |event: &Event| _ = sender.send(event.to_string()));
    /// breaker.operator("alice").force_open();
    /// drop(subscription);
    /// breaker.release(); // no notification
    ///
    /// let received = events.iter().collect::<Vec<_>>();
    /// assert_eq!(received, [r#"circuit breaker "search": closed -> forced open: forced open by alice"#]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn listen(&self, listener: impl Listener + 'static) -> Subscription {
        self.circuit.hub().listen(Audience::Program, listener)
    }

    /// Calls `listener` for the events of single calls of this breaker that it asks for, until the returned
    /// subscription is dropped. An event that another thread is delivering at the start or at the end may arrive too.
    /// See [`Registry::listen_to_calls`](crate::Registry::listen_to_calls).
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use breaker_runtime::{CallEvent, CallEvents, CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::default())?;
    /// let (sender, lines) = mpsc::channel();
    /// let subscription =
    ///     breaker.listen_to_calls(CallEvents::FAILED, move |event: &CallEvent| _ = sender.send(event.to_string()));
    /// breaker.try_acquire()?.fail("no route to host");
    /// drop(subscription);
    /// assert_eq!(lines.recv()?, r#"circuit breaker "payment": a call failed: "no route to host""#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn listen_to_calls(
        &self,
        events: CallEvents,
        listener: impl Fn(&CallEvent) + Send + Sync + 'static,
    ) -> Subscription {
        self.circuit.hub().listen_to_calls(events, listener)
    }

    pub(crate) fn into_circuit(self) -> Arc<Circuit> {
        self.circuit
    }

    pub(crate) const fn circuit(&self) -> &Arc<Circuit> {
        &self.circuit
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Snapshot { state, totals, .. } = self.snapshot();
        out.debug_struct("CircuitBreaker")
            .field("name", &self.name())
            .field("key", &self.key())
            .field("state", &state)
            .field("totals", &totals)
            .finish_non_exhaustive()
    }
}
