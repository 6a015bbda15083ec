//! An operator's commands, and who gave them.

use std::sync::Arc;

use super::circuit::Circuit;
use crate::state::Cause;

/// Somebody who commands a breaker by hand, by name: see
/// [`CircuitBreaker::operator`](crate::CircuitBreaker::operator). Every command that has an effect begins a
/// new generation: calls that were admitted before it no longer count in any rule.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, State};
///
/// let breaker = CircuitBreaker::new("search", Config::default())?;
/// breaker.operator("alice, because of #4711").force_open();
/// let change = breaker.snapshot().last_transition.unwrap();
/// assert_eq!(change.initiator.as_deref(), Some("alice, because of #4711"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Operator<'a> {
    circuit: &'a Circuit,
    name: Arc<str>,
}

impl<'a> Operator<'a> {
    pub(super) const fn new(circuit: &'a Circuit, name: Arc<str>) -> Self {
        Self { circuit, name }
    }

    /// Rejects all calls until an operator says otherwise: [`release`](Self::release),
    /// [`force_close`](Self::force_close), [`reset`](Self::reset) or [`disable`](Self::disable).
    pub fn force_open(&self) {
        self.order(Cause::ForcedOpen);
    }

    /// Closes the circuit now, whatever it was; from then on its rules apply as usual. It begins anew,
    /// like [`reset`](Self::reset); the two differ in the cause that monitoring sees.
    pub fn force_close(&self) {
        self.order(Cause::ForcedClosed);
    }

    /// Admits all calls and applies neither rules nor limits until an operator says otherwise:
    /// [`release`](Self::release), [`force_close`](Self::force_close), [`reset`](Self::reset) or
    /// [`force_open`](Self::force_open). Totals go on counting.
    pub fn disable(&self) {
        self.order(Cause::Disabled);
    }

    /// Ends ForcedOpen and Disabled: the circuit is Closed and its rules apply again. A closed circuit
    /// begins anew, without its failures; one that opened by its own rules stays as it is.
    pub fn release(&self) {
        self.order(Cause::Released);
    }

    /// Closes the circuit, whatever it was, and forgets all failures. Totals stay.
    pub fn reset(&self) {
        self.order(Cause::Reset);
    }

    fn order(&self, cause: Cause) {
        self.circuit.order(cause, Arc::clone(&self.name));
    }
}
