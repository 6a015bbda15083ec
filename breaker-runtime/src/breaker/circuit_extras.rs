//! Access to what few circuits have.

use std::sync::Arc;

use super::attachments::Attachments;
use super::circuit::Circuit;
use super::extras::Extras;
use super::gate::GateSlot;
use super::refused_questions::RefusedQuestions;
use crate::event::Hub;

impl Circuit {
    /// Returns `true` if a listener is registered for this circuit alone.
    pub(super) fn has_listeners(&self) -> bool {
        self.extras.get().is_some_and(|extras| extras.hub.is_used())
    }

    /// Returns the hub of the listeners of this breaker alone.
    pub(super) fn hub(&self) -> &Arc<Hub> {
        &self.extras().hub
    }

    /// Returns what strategies keep with this circuit.
    pub(crate) fn attachments(&self) -> &Attachments {
        &self.extras().attachments
    }

    /// Returns what strategies keep with this circuit, if it has been needed.
    pub(super) fn existing_attachments(&self) -> Option<&Attachments> {
        self.extras.get().map(|extras| &extras.attachments)
    }

    /// Returns where the gate of this circuit is stored.
    pub(super) fn gate_slot(&self) -> &GateSlot {
        &self.extras().gate
    }

    /// Returns where the gate of this circuit is stored, if the circuit has what few circuits have.
    #[inline]
    pub(super) fn existing_gate_slot(&self) -> Option<&GateSlot> {
        self.extras.get().map(|extras| &extras.gate)
    }

    /// Returns the questions that this circuit has refused.
    pub(super) fn questions(&self) -> &RefusedQuestions {
        &self.extras().questions
    }

    /// Returns the questions that this circuit has refused, if it has what few circuits have.
    pub(super) fn existing_questions(&self) -> Option<&RefusedQuestions> {
        self.extras.get().map(|extras| &extras.questions)
    }

    fn extras(&self) -> &Extras {
        self.extras.get_or_init(Box::default)
    }
}
