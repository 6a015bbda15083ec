//! The circuit breaker itself: admits calls, settles them, obeys an operator.
//!
//! | file | |
//! |---|---|
//! | `circuit.rs` | what all clones of a breaker share, and the path of every call |
//! | `permit.rs` | the proof that a call was admitted, settled exactly once |
//! | `future.rs` | a call that takes its time, and may be cancelled |
//!
//! Invariants: no lock is held while the user's code runs; every permit is settled once, by its owner
//! or by being dropped; what a permit brings back counts in its own generation only.

mod circuit;
mod future;
mod permit;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub(crate) use self::circuit::Circuit;
pub use self::circuit::{Admission, Rejected};
pub use self::future::CallFuture;
pub(crate) use self::future::Guarded;
pub use self::permit::Permit;

use crate::classifier::of_result;
use crate::clock::Clock;
use crate::config::{Config, ConfigError, Name};
use crate::error::BreakerError;
use crate::snapshot::Snapshot;
use crate::state::{Cause, State};

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
        Ok(Self::with_clock(Name::new(name.into())?, config, Clock::default()))
    }

    pub(crate) fn with_clock(name: Name, config: Config, clock: Clock) -> Self {
        Self { circuit: Arc::new(Circuit::new(name, config, clock)) }
    }

    /// Runs `function` if the circuit admits a call. `Err` counts as a failure; a panic does too, and
    /// goes on unwinding.
    ///
    /// # Errors
    ///
    /// What `function` returns, or a [`BreakerError`] if the call was rejected.
    pub fn call<T, E>(&self, function: impl FnOnce() -> Result<T, E>) -> Result<T, E>
    where
        E: From<BreakerError>,
    {
        let admission = self.circuit.admit().map_err(BreakerError::from)?;
        admission.run(function, of_result)
    }

    /// Runs `future` if the circuit admits a call, which it decides when it is first polled. `Err`
    /// counts as a failure; a panic does too, and goes on unwinding.
    ///
    /// Cancel safe: dropping the future before it is ready counts as ignored and gives a trial's
    /// place back. Polled again after it was ready or has panicked, it stays pending and runs nothing.
    ///
    /// # Errors
    ///
    /// What `future` returns, or a [`BreakerError`] if the call was rejected.
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
    pub fn call_async<T, E, F>(&self, future: F) -> CallFuture<'_, F>
    where
        F: Future<Output = Result<T, E>>,
        E: From<BreakerError>,
    {
        CallFuture::new(&self.circuit, future)
    }

    /// Asks for one call. The permit must be [settled](Permit::settle); see there for what dropping
    /// and leaking it mean.
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
        Ok(Permit::handed_out(self.circuit.admit()?))
    }

    /// The name it was made with.
    #[must_use]
    pub fn name(&self) -> &str {
        self.circuit.name().as_str()
    }

    /// The settings it was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.circuit.config()
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

    /// Rejects all calls until an operator says otherwise: [`release`](Self::release),
    /// [`force_closed`](Self::force_closed), [`reset`](Self::reset) or [`disable`](Self::disable).
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
    pub fn force_open(&self) {
        self.circuit.order(Cause::ForcedOpen);
    }

    /// Closes the circuit now, whatever it was; from then on its rules apply as usual. It begins anew,
    /// like [`reset`](Self::reset); the two differ in the cause that monitoring sees.
    pub fn force_closed(&self) {
        self.circuit.order(Cause::ForcedClosed);
    }

    /// Admits all calls and applies no rule until an operator says otherwise:
    /// [`release`](Self::release), [`force_closed`](Self::force_closed), [`reset`](Self::reset) or
    /// [`force_open`](Self::force_open). Totals go on counting.
    pub fn disable(&self) {
        self.circuit.order(Cause::Disabled);
    }

    /// Ends ForcedOpen and Disabled: the circuit is Closed and its rules apply again. A closed circuit
    /// begins anew, without its failures; one that opened by its own rules stays as it is.
    pub fn release(&self) {
        self.circuit.order(Cause::Released);
    }

    /// Closes the circuit, whatever it was, and forgets all failures. Totals stay.
    pub fn reset(&self) {
        self.circuit.order(Cause::Reset);
    }

    pub(crate) fn circuit(&self) -> &Circuit {
        &self.circuit
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Snapshot { state, totals, .. } = self.snapshot();
        out.debug_struct("CircuitBreaker")
            .field("name", &self.name())
            .field("state", &state)
            .field("totals", &totals)
            .finish_non_exhaustive()
    }
}
