//! The commands of an operator.

use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;

use super::CircuitBreaker;
use super::circuit::Circuit;
use crate::printable::{Printable, escape_hidden};
use crate::state::Cause;
use crate::state::machine::Pending;

/// Maximum length of a recorded name without its escapes, in bytes.
const MAX_INITIATOR: usize = 1024;

/// A named operator who controls a breaker by hand; see
/// [`CircuitBreaker::operator`](crate::CircuitBreaker::operator).
///
/// Every command that has an effect begins a new generation: calls that were admitted before it no longer
/// count in any rule.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, State};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// breaker.operator("alice, because of #4711").force_open();
/// let change = breaker.snapshot().last_transition.unwrap();
/// assert_eq!(change.initiator.as_deref(), Some("alice, because of #4711"));
///
/// let bob = breaker.operator("bob");
/// bob.release(); // `force_open` and `disable` last until this command
/// assert_eq!(breaker.state(), State::Closed);
/// bob.disable();
/// assert_eq!(breaker.state(), State::Disabled);
/// bob.force_close();
/// assert_eq!(breaker.state(), State::Closed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Operator<'a> {
    circuit: &'a Circuit,
    name: Arc<str>,
}

impl CircuitBreaker {
    /// Returns an operator whose name is recorded in each [`Transition`](crate::Transition). The name is free
    /// text, such as a person and a ticket.
    ///
    /// It is recorded on one line: invisible characters, and those that change the direction of the text, are
    /// replaced with escapes such as `\u{202e}`. Only the first 1,024 bytes of it are kept. An empty name is
    /// recorded as `(unnamed)`.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::default())?;
    /// breaker.operator("alice, because of #4711").disable();
    /// let disabled = breaker.snapshot().last_transition.unwrap();
    /// assert_eq!(disabled.to_string(), "closed -> disabled: disabled by alice, because of #4711");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn operator(&self, name: impl Into<String>) -> Operator<'_> {
        Operator::new(self.circuit(), &name.into())
    }

    /// Opens the circuit until it is released; see [`Operator::force_open`]. Records the location of the
    /// caller as the initiator.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, State};
    ///
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

    /// Closes the circuit; see [`Operator::force_close`]. Records the location of the caller as the
    /// initiator.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, State};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::builder().failure_threshold(1).build()?)?;
    /// breaker.try_acquire()?.fail("503 Service Unavailable");
    /// assert_eq!(breaker.state(), State::Open);
    /// breaker.force_close(); // the service works again
    /// assert_eq!(breaker.state(), State::Closed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn force_close(&self) {
        self.caller().force_close();
    }

    /// Admits all calls until the circuit is released; see [`Operator::disable`]. Records the location of the
    /// caller as the initiator.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, State};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::builder().failure_threshold(1).build()?)?;
    /// breaker.disable();
    /// breaker.try_acquire()?.fail("503 Service Unavailable"); // no rule applies
    /// assert_eq!((breaker.state(), breaker.snapshot().totals.failures), (State::Disabled, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn disable(&self) {
        self.caller().disable();
    }

    /// Ends `ForcedOpen` and `Disabled`; see [`Operator::release`]. Records the location of the caller as the
    /// initiator.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, State};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::default())?;
    /// breaker.force_open(); // before the maintenance
    /// breaker.release(); // after it
    /// assert_eq!(breaker.state(), State::Closed);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn release(&self) {
        self.caller().release();
    }

    /// Closes the circuit and forgets all failures; see [`Operator::reset`]. Records the location of the
    /// caller as the initiator.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// let breaker = CircuitBreaker::new("payment", Config::default())?;
    /// breaker.try_acquire()?.fail("503 Service Unavailable");
    /// breaker.reset();
    /// let snapshot = breaker.snapshot();
    /// assert_eq!((snapshot.consecutive_failures, snapshot.totals.failures), (0, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn reset(&self) {
        self.caller().reset();
    }

    /// Returns an operator that is named after the location of the call.
    #[track_caller]
    fn caller(&self) -> Operator<'_> {
        self.operator(Location::caller().to_string())
    }
}

impl<'a> Operator<'a> {
    pub(super) fn new(circuit: &'a Circuit, name: &str) -> Self {
        Self { circuit, name: escaped_initiator(name) }
    }

    /// Opens the circuit: all calls are rejected until [`release`](Self::release),
    /// [`force_close`](Self::force_close), [`reset`](Self::reset) or [`disable`](Self::disable). This includes the
    /// calls that wait for a slot.
    pub fn force_open(&self) {
        self.command(Cause::ForcedOpen);
    }

    /// Closes the circuit from any state and forgets all failures. Every call is admitted, without a
    /// [`ramp`](crate::ConfigBuilder::ramp). The rules apply from then on, and the totals are kept. It differs from
    /// [`reset`](Self::reset) only in the [`Cause`] of the transition.
    pub fn force_close(&self) {
        self.command(Cause::ForcedClosed);
    }

    /// Disables the breaker: all calls are admitted, and no rule applies until [`release`](Self::release),
    /// [`force_close`](Self::force_close), [`reset`](Self::reset) or [`force_open`](Self::force_open). Calls
    /// are still counted in the totals. `max_concurrent` and `call_timeout` do not apply to them, and they
    /// are not timed. Calls that wait for a slot are admitted at once.
    pub fn disable(&self) {
        self.command(Cause::Disabled);
    }

    /// Ends `ForcedOpen` and `Disabled`: the circuit is closed and its rules apply again. A closed circuit
    /// forgets its failures. A circuit that was opened by its own rules does not change.
    pub fn release(&self) {
        self.command(Cause::Released);
    }

    /// Closes the circuit from any state and forgets all failures. The totals are kept.
    pub fn reset(&self) {
        self.command(Cause::Reset);
    }

    /// Executes a command without notifying listeners.
    pub(super) fn apply(&self, cause: Cause) -> Pending {
        self.circuit.apply_command(cause, Arc::clone(&self.name))
    }

    fn command(&self, cause: Cause) {
        self.circuit.command(cause, Arc::clone(&self.name));
    }
}

/// Returns the name of an operator as it is recorded.
pub(crate) fn escaped_initiator(name: &str) -> Arc<str> {
    Arc::from(initiator(name))
}

/// Returns the name as it is recorded: on one line, with hidden characters escaped, and of bounded length.
fn initiator(name: &str) -> Cow<'_, str> {
    if name.is_empty() {
        return Cow::Borrowed("(unnamed)");
    }
    if name.len() <= MAX_INITIATOR {
        return escape_hidden(name);
    }
    let ends = name.char_indices().map(|(index, _)| index).take_while(|&index| index <= MAX_INITIATOR);
    let start = ends.last().and_then(|end| name.get(..end)).unwrap_or_default();
    Cow::Owned(format!("{}...", Printable(start)))
}
