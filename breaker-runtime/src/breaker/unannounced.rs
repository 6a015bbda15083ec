//! A change of the state that has taken effect, and of which listeners have not been notified. An async task makes such
//! a change, and a thread that may block runs the listeners.

use super::CircuitBreaker;
use super::open_limit::OpenCounts;
use super::operator::Operator;
use crate::state::Cause;
use crate::state::machine::Pending;

/// A change of one circuit. Dropping it notifies the listeners, which may take any time. It does so even if it is
/// dropped with a task that its runtime no longer runs.
#[derive(Debug)]
#[must_use = "listeners are notified when it is dropped"]
pub(crate) struct Unannounced {
    /// `None` once the change is part of another one.
    circuit: Option<CircuitBreaker>,
    waiving: Option<OpenCounts>,
}

impl CircuitBreaker {
    /// Executes the command of an operator, and runs no listener. Returns `None` if the command has no effect.
    pub(crate) fn command_unannounced(&self, cause: Cause, operator: &str) -> Option<Unannounced> {
        Unannounced::new(self.clone(), Operator::new(self.circuit(), operator).apply(cause))
    }
}

impl Unannounced {
    /// Lets a change take effect. Returns `None` if nothing has changed.
    pub(crate) fn new(circuit: CircuitBreaker, pending: Pending) -> Option<Self> {
        match pending {
            Pending::Nothing => None,
            Pending::Transitions => {
                // Listeners may be notified much later.
                circuit.circuit().notify_fleet();
                Some(Self { waiving: circuit.circuit().take_effect(), circuit: Some(circuit) })
            }
        }
    }

    /// Lets new settings take effect. Returns `None` if the state has not changed.
    pub(crate) fn of_settings(circuit: CircuitBreaker, pending: Pending) -> Option<Self> {
        let waiving = circuit.circuit().take_effect_of_settings(pending);
        match pending {
            Pending::Nothing if waiving.is_none() => None,
            Pending::Nothing | Pending::Transitions => Some(Self { circuit: Some(circuit), waiving }),
        }
    }

    /// Returns the address of the circuit, which this change keeps.
    #[allow(dead_code, reason = "only commands over HTTP wait in a queue")]
    pub(crate) fn address(&self) -> Option<usize> {
        Some(self.circuit.as_ref()?.circuit().address())
    }

    /// Adds a later change of the same circuit. Dropping this one notifies the listeners of both: the transitions wait
    /// in the circuit.
    #[allow(dead_code, reason = "only commands over HTTP wait in a queue")]
    pub(crate) fn merge(&mut self, mut later: Self) {
        later.circuit = None;
        self.waiving = later.waiving.or(self.waiving);
    }
}

impl Drop for Unannounced {
    fn drop(&mut self) {
        if let Some(circuit) = &self.circuit {
            circuit.circuit().notify_listeners(self.waiving);
        }
    }
}
