//! A circuit that the processes of a fleet share. It follows the decisions of the fleet, and reports once if there is
//! no fleet. It does not know how a fleet is connected.

use std::time::Duration;

use once_cell::sync::OnceCell;

use super::circuit::Circuit;
use super::refused_questions::RefusedQuestions;
use crate::failure_text::failure_text;
use crate::state::machine::Pending;
use crate::state::{Adoption, Cause, Transition};
use crate::warning::warn;

/// Set once the process has reported that a shared circuit is alone.
static REPORTED: OnceCell<()> = OnceCell::new();

impl Circuit {
    /// Returns the time for a round of trial calls.
    #[allow(dead_code, reason = "only the feature `redis` asks for a lease")]
    pub(crate) fn next_lease(&self) -> Duration {
        self.machine.next_lease()
    }

    /// Returns the number of questions whether a call would be admitted that this circuit has answered with no. They
    /// are counted from the first call of this method on.
    #[allow(dead_code, reason = "only the feature `redis` shows a demand for trial calls")]
    pub(crate) fn refused_questions(&self) -> u64 {
        self.questions().watch()
    }

    /// Takes note of a question whether a call would be admitted that was answered with no: without the fleet, a caller
    /// that asks first makes the trial call when it is due.
    pub(super) fn count_refused_question(&self) {
        if let Some(questions) = self.existing_questions() {
            questions.add();
        }
    }

    /// Returns a number that changes when a call ends, and when a question is counted.
    pub(super) fn calls_and_questions(&self) -> u64 {
        let questions = self.existing_questions().map_or(0, RefusedQuestions::read);
        self.totals().calls().wrapping_add(questions)
    }

    /// Follows a decision of the fleet, and runs no user code. The caller passes the result to
    /// [`announce`](Self::announce), on any thread that holds no lock.
    #[allow(dead_code, reason = "only the feature `redis` and the tests of it adopt decisions")]
    pub(crate) fn adopt(&self, adoption: Adoption) -> Pending {
        let adoption = match adoption {
            Adoption::Open { wait, rounds, reason } => {
                Adoption::Open { wait, rounds, reason: reason.map(failure_text) }
            }
            Adoption::Close
            | Adoption::ForceClose { .. }
            | Adoption::Trial { .. }
            | Adoption::Hold { .. } => adoption,
        };
        let calls = self.calls_and_questions();
        self.change_after_hang(|hung| self.machine.adopt(calls, adoption, &self.clock, hung))
    }

    /// Wakes calls and tasks that wait for a change of the state, and notifies listeners of pending transitions.
    #[allow(dead_code, reason = "only the feature `redis` and the tests of it adopt decisions")]
    pub(crate) fn announce(&self, pending: Pending) {
        self.notify_if(pending);
    }

    /// Writes to stderr, once for the process, that a shared circuit has opened by its own rules and that no other
    /// process takes part.
    pub(super) fn report_if_alone(&self, change: &Transition) {
        if let Some(reason) = self.reason_to_be_alone(change)
            && REPORTED.set(()).is_ok()
        {
            let (id, shared) = (self.id(), self.config().shared());
            warn(format_args!("{id}: shared = {shared} acts in this process only, because {reason}"));
        }
    }

    /// Returns why no other process takes part, if a shared circuit has opened by its own rules.
    fn reason_to_be_alone(&self, change: &Transition) -> Option<&'static str> {
        let opened_by_itself = change.cause == Cause::ThresholdReached && change.initiator.is_none();
        if !opened_by_itself || !self.config().shared().is_shared() {
            return None;
        }
        match self.registry_hub().map(|hub| hub.informs_fleet()) {
            Some(true) => None,
            Some(false) => Some("no fleet is connected; call breaker_runtime::fleet::connect"),
            None => Some("its breaker is in no registry; create it with Registry::register"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, ConfigBuilder, Sharing};
    use crate::event::{Audience, Event};
    use crate::registry::Registry;
    use crate::sync::HAS_FLEET;
    use crate::{CircuitBreaker, Outcome};

    fn shared() -> Config {
        let local: ConfigBuilder = Config::builder().failure_threshold(1);
        let config = if HAS_FLEET { local.shared(Sharing::Quorum) } else { local };
        config.build().unwrap()
    }

    /// Returns why the circuit is alone after its last transition.
    fn reason(breaker: &CircuitBreaker) -> Option<&'static str> {
        let change = breaker.snapshot().last_transition.unwrap();
        breaker.circuit().reason_to_be_alone(&change)
    }

    fn opened(breaker: CircuitBreaker) -> CircuitBreaker {
        breaker.try_acquire().unwrap().settle(Outcome::Failure);
        breaker
    }

    #[test]
    fn a_shared_circuit_that_opens_is_alone_until_a_fleet_listens_to_its_registry() {
        let registry = Registry::new();
        let breaker = opened(registry.register("payment", shared()).unwrap());
        let alone = reason(&breaker);
        assert_eq!(alone.is_some_and(|reason| reason.contains("fleet::connect")), HAS_FLEET);
        registry.listen(|_: &Event| {}).detach();
        assert_eq!(reason(&breaker), alone, "another listener is no fleet");
        let fleet = registry.store().hub().listen(Audience::Fleet, |_: &Event| {});
        assert_eq!(reason(&breaker), None);
        drop(fleet);
        assert_eq!(reason(&breaker), alone);
    }

    #[test]
    fn a_shared_circuit_in_no_registry_is_always_alone() {
        let breaker = opened(CircuitBreaker::new("payment", shared()).unwrap());
        assert_eq!(reason(&breaker).is_some_and(|reason| reason.contains("Registry::register")), HAS_FLEET);
    }

    #[test]
    fn a_circuit_that_an_operator_opens_or_that_is_not_shared_reports_nothing() {
        let registry = Registry::new();
        let local = Config::builder().failure_threshold(1).build().unwrap();
        assert_eq!(reason(&opened(registry.register("local", local).unwrap())), None);
        let forced = registry.register("forced", shared()).unwrap();
        forced.force_open();
        assert_eq!(reason(&forced), None);
    }
}
