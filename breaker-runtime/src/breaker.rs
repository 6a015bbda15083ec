//! The circuit breaker itself: admits calls, records their results, executes an operator's commands.
//!
//! | file | |
//! |---|---|
//! | `circuit.rs` | the shared state of all clones of a breaker |
//! | `admit.rs` | the first half of a call: admission |
//! | `admission.rs` | a call between its two halves |
//! | `stamp.rs` | the per-call flags of an admission |
//! | `permit.rs` | the guard of an admission, which settles it exactly once |
//! | `record.rs` | the second half of a call: recording its result |
//! | `saturation.rs` | lets successes skip a window that they would not change |
//! | `future.rs` | a running async call, which may be cancelled or time out |
//! | `options.rs` | optional state: window, durations, bulkhead, shadow mode |
//! | `bulkhead.rs` | the limit on concurrent calls |
//! | `identity.rs` | the name and the key of a circuit |
//! | `operator.rs` | the commands of an operator |
//!
//! Invariants: no lock is held while user code runs; every permit is settled once, by its owner or by being
//! dropped; a result counts only in the generation that admitted its call.

mod admission;
mod admit;
mod bulkhead;
mod circuit;
mod future;
mod identity;
mod operator;
mod options;
mod permit;
mod record;
mod saturation;
mod stamp;

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;

pub use self::admission::Admission;
pub(crate) use self::circuit::Circuit;
pub use self::circuit::Rejected;
pub(crate) use self::future::{AsyncCall, Guarded, Limited};
pub(crate) use self::identity::{Identity, KeyGroup};
pub use self::operator::Operator;
pub use self::permit::Permit;

use crate::classifier::{of_result, type_of_error};
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Name, Settings};
use crate::error::BreakerError;
use crate::event::{Listener, Subscription};
use crate::outcome::Outcome;
use crate::snapshot::Snapshot;
use crate::state::State;

/// A circuit breaker. Clones are cheap and share one circuit.
///
/// The attribute [`circuit_breaker`](crate::circuit_breaker) is the usual way to one; make your own
/// to protect something that is not a function, or to control one by hand.
///
/// ```
/// use breaker_runtime::{BreakerError, CircuitBreaker, Config, ErrorKind};
///
/// let breaker = CircuitBreaker::new("search", Config::builder().failure_threshold(1).build()?)?;
///
/// # #[derive(Debug)] enum SearchError { Down, Open(BreakerError) }
/// # impl From<BreakerError> for SearchError { fn from(e: BreakerError) -> Self { Self::Open(e) } }
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
    /// A breaker of its own, in no registry.
    ///
    /// # Errors
    ///
    /// If the name is empty or longer than 255 bytes.
    pub fn new(name: impl Into<Cow<'static, str>>, config: Config) -> Result<Self, ConfigError> {
        let identity = Identity::Alone { name: Name::new(name.into())?, hub: None };
        Ok(Self::new_unchecked(identity, config.into(), Clock::here()))
    }

    pub(crate) fn new_unchecked(identity: Identity, settings: Settings, clock: Clock) -> Self {
        Self { circuit: Arc::new(Circuit::new(identity, settings, clock)) }
    }

    /// Runs `function` if the circuit admits a call. `Err` counts as a failure; a panic does too, and
    /// goes on unwinding. Blocks for up to `max_wait` if `max_concurrent` calls are running.
    ///
    /// # Errors
    ///
    /// What `function` returns, or a [`BreakerError`] if the call was rejected.
    pub fn call<T, E>(&self, function: impl FnOnce() -> Result<T, E>) -> Result<T, E>
    where
        E: From<BreakerError>,
    {
        let admission = self.circuit.admit_blocking().map_err(BreakerError::from)?;
        admission.run(function, of_result, type_of_error)
    }

    /// Runs `function`, whatever it returns, if the circuit admits a call; `classify` says what the value
    /// means. A panic of either counts as a failure and goes on unwinding. Blocks like [`call`](Self::call).
    ///
    /// # Errors
    ///
    /// If the call was rejected.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// let breaker = CircuitBreaker::new("stock", Config::builder().failure_threshold(1).build()?)?;
    /// let is_there = |found: &Option<u32>| match found {
    ///     Some(_) => Outcome::Success,
    ///     None => Outcome::Failure,
    /// };
    /// assert_eq!(breaker.call_with(is_there, || None)?, None);
    /// assert!(breaker.call_with(is_there, || Some(3)).is_err()); // the circuit is open
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call_with<T>(
        &self,
        classify: impl FnOnce(&T) -> Outcome,
        function: impl FnOnce() -> T,
    ) -> Result<T, BreakerError> {
        Ok(self.circuit.admit_blocking()?.run(function, classify, |_| None))
    }

    /// Awaits `future` if the circuit admits a call, which is asked when this is first polled. `Err`
    /// counts as a failure; a panic does too, and goes on unwinding. Waits for up to `max_wait` if
    /// `max_concurrent` calls are running, and ends the call after `call_timeout`. Dropped before it is
    /// ready, the call counts as ignored and gives a trial's place back.
    ///
    /// # Errors
    ///
    /// What `future` returns, or a [`BreakerError`] if the call was rejected or timed out.
    ///
    /// # Panics
    ///
    /// With `call_timeout` or `max_wait`, outside a tokio runtime that has its timers enabled.
    ///
    /// ```
    /// # use breaker_runtime::{BreakerError, CircuitBreaker, Config};
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let found = breaker.call_async(async { Ok::<_, BreakerError>("rust") }).await?;
    /// assert_eq!(found, "rust");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn call_async<T, E>(&self, future: impl Future<Output = Result<T, E>>) -> Result<T, E>
    where
        E: From<BreakerError>,
    {
        let admission = self.circuit.admit_async().await.map_err(BreakerError::from)?;
        Limited::new(admission, future, (of_result, type_of_error)).await.map_err(BreakerError::from)?
    }

    /// Awaits `future`, whatever it gives, if the circuit admits a call; `classify` says what the value
    /// means. As [`call_async`](Self::call_async) in everything else.
    ///
    /// # Errors
    ///
    /// If the call was rejected or timed out.
    ///
    /// # Panics
    ///
    /// With `call_timeout` or `max_wait`, outside a tokio runtime that has its timers enabled.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let breaker = CircuitBreaker::new("stock", Config::builder().failure_threshold(1).build()?)?;
    /// let by_status = |status: &u16| match status {
    ///     500.. => Outcome::Failure,
    ///     400..500 => Outcome::Ignored, // the caller's own fault
    ///     _ => Outcome::Success,
    /// };
    /// assert_eq!(breaker.call_async_with(by_status, async { 404 }).await?, 404);
    /// assert_eq!(breaker.call_async_with(by_status, async { 503 }).await?, 503);
    /// assert!(breaker.call_async_with(by_status, async { 200 }).await.is_err()); // the circuit is open
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn call_async_with<T>(
        &self,
        classify: impl Fn(&T) -> Outcome,
        future: impl Future<Output = T>,
    ) -> Result<T, BreakerError> {
        let admission = self.circuit.admit_async().await?;
        Ok(Limited::new(admission, future, (classify, |_: &_| None)).await?)
    }

    /// Asks for one call, and does not wait. The permit must be [settled](Permit::settle); see there for
    /// what dropping and leaking it mean. It is timed from now; `call_timeout` does not apply to it.
    ///
    /// # Errors
    ///
    /// If the call is rejected.
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
        Ok(Permit::handed_out(self.circuit.try_admit()?))
    }

    /// The name it was made with.
    #[must_use]
    pub fn name(&self) -> &str {
        self.circuit.identity().name().as_str()
    }

    /// The key of this circuit, if its breaker has one for each key.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.circuit.identity().key().map(|key| &**key)
    }

    /// The settings that it obeys.
    #[must_use]
    pub fn config(&self) -> Config {
        Config::clone(&self.circuit.config())
    }

    /// Obeys other settings from now on. State, generation, totals, the run of failures, the time until an
    /// open circuit is due and the calls that are running stay as they are, and so does what the window
    /// holds, as far as the new window has room for it; only a window of calls that becomes one of time, or
    /// the other way round, begins empty. A success that ends at the very moment may be missed in the window.
    /// New rules are asked at the next failure or slow call.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, Outcome, State};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// breaker.try_acquire()?.settle(Outcome::Failure);
    /// breaker.set_config(Config::builder().failure_threshold(2).build()?);
    /// breaker.try_acquire()?.settle(Outcome::Failure); // the second in a row
    /// assert_eq!(breaker.state(), State::Open);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_config(&self, config: Config) {
        self.circuit.set_config(config.into());
    }

    /// What it is doing. Reading changes nothing: an open circuit whose recovery time is over reads
    /// Open until a call arrives.
    #[must_use]
    pub fn state(&self) -> State {
        self.circuit.state()
    }

    /// Everything about it at this moment.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.circuit.snapshot()
    }

    /// Tells `listener` what happens to this breaker, for as long as what is returned lives.
    /// [`Registry::listen`](crate::Registry::listen) tells of all breakers.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use breaker_runtime::{CircuitBreaker, Config, Event};
    ///
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// let (heard, events) = mpsc::channel();
    /// let listening = breaker.listen(move |event: &Event| _ = heard.send(event.to_string()));
    /// breaker.operator("alice").force_open();
    /// drop(listening);
    /// breaker.release(); // unheard
    ///
    /// let told = events.iter().collect::<Vec<_>>();
    /// assert_eq!(told, [r#"circuit breaker "search": closed -> forced open: forced open by alice"#]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn listen(&self, listener: impl Listener + 'static) -> Subscription {
        self.circuit.hub().listen(listener)
    }

    /// Waits until calls go through freely: the circuit is Closed, or Disabled.
    ///
    /// There is no timer behind it: an open circuit recovers by the calls of others. Whoever is the only
    /// caller must go on calling, for nobody else makes the trials.
    ///
    /// May be cancelled at any time.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("warehouse", Config::default())?;
    /// breaker.force_open();
    /// let queue = tokio::spawn({
    ///     let breaker = breaker.clone();
    ///     async move {
    ///         breaker.wait_closed().await;
    ///         "drained"
    ///     }
    /// });
    /// tokio::task::yield_now().await;
    /// breaker.release();
    /// assert_eq!(queue.await?, "drained");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn wait_closed(&self) {
        let hub = self.circuit.hub();
        loop {
            // Listen first and look then, so that no change falls between the two.
            let mut changed = pin!(hub.changed());
            changed.as_mut().enable();
            match self.circuit.state_under_lock() {
                State::Closed | State::Disabled => return,
                State::Open | State::HalfOpen | State::ForcedOpen => changed.await,
            }
        }
    }

    /// Who gives the commands that follow: a name, a ticket, whatever explains it to those who look later.
    pub fn operator(&self, name: impl Into<String>) -> Operator<'_> {
        Operator::new(&self.circuit, Arc::from(name.into()))
    }

    /// Rejects all calls until an operator says otherwise, see [`Operator::force_open`].
    ///
    /// ```
    /// # use breaker_runtime::{CircuitBreaker, Config, State};
    /// let breaker = CircuitBreaker::new("search", Config::default())?;
    /// breaker.force_open();
    /// assert!(breaker.try_acquire().is_err());
    /// breaker.release();
    /// assert_eq!(breaker.state(), State::Closed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn force_open(&self) {
        self.caller().force_open();
    }

    /// Closes the circuit now, see [`Operator::force_close`].
    #[track_caller]
    pub fn force_close(&self) {
        self.caller().force_close();
    }

    /// Admits all calls until an operator says otherwise, see [`Operator::disable`].
    #[track_caller]
    pub fn disable(&self) {
        self.caller().disable();
    }

    /// Ends ForcedOpen and Disabled, see [`Operator::release`].
    #[track_caller]
    pub fn release(&self) {
        self.caller().release();
    }

    /// Closes the circuit and forgets all failures, see [`Operator::reset`].
    #[track_caller]
    pub fn reset(&self) {
        self.caller().reset();
    }

    /// The operator of those who give no name: a place in the code.
    #[track_caller]
    fn caller(&self) -> Operator<'_> {
        self.operator(Location::caller().to_string())
    }

    pub(crate) fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    pub(crate) fn has_listeners(&self) -> bool {
        self.circuit.has_listeners()
    }

    /// Whether nobody else has a clone of it, nor a call on it.
    pub(crate) fn is_alone(&self) -> bool {
        Arc::strong_count(&self.circuit) == 1
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
