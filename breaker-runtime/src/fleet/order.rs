//! An order to the background task, and its answer.

use tokio::sync::oneshot;

use super::protocol::Report;
use super::store::StoreErrorKind;

/// An order of the owner of the fleet or of an operator.
pub(super) enum Order {
    Command { command: Box<Report>, answer: AnswerSender },
    Leave,
}

/// The channel for the result of a command.
pub(super) type AnswerSender = oneshot::Sender<Result<(), CommandError>>;

/// The reason why a command has failed.
#[derive(Debug)]
pub(super) struct CommandError {
    pub(super) kind: StoreErrorKind,
    pub(super) text: String,
}
