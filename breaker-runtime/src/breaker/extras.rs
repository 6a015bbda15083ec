//! The parts that few circuits have: listeners of their own, attachments, a gate, and
//! the questions that they refuse.

use std::sync::Arc;

use super::attachments::Attachments;
use super::gate::GateSlot;
use super::refused_questions::RefusedQuestions;
use crate::event::Hub;

/// The parts of a circuit that no call on the fast path reads. They are allocated together when one is first needed.
#[derive(Default)]
pub(super) struct Extras {
    /// The listeners of this breaker alone.
    pub(super) hub: Arc<Hub>,
    pub(super) attachments: Attachments,
    pub(super) gate: GateSlot,
    pub(super) questions: RefusedQuestions,
}
