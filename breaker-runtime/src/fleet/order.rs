//! An order to the background task, and its answer.

use tokio::sync::oneshot;

use super::protocol::Report;
use super::store::StoreErrorKind;

/// An order of the owner of the fleet or of an operator.
pub(super) enum Order {
    Command { command: Box<Report>, answer: AnswerSender },
    Leave,
}

/// Where the result of a command is sent.
pub(super) type AnswerSender = oneshot::Sender<Result<(), CommandError>>;

/// Why a command has failed.
#[derive(Debug)]
pub(super) struct CommandError {
    pub(super) kind: StoreErrorKind,
    pub(super) text: String,
}
