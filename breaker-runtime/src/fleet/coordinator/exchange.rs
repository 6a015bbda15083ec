//! A request that has not been answered, and the commands that have not been sent.

use crate::fleet::protocol::{Report, SharedName};

/// A command of an operator that has not been sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct PendingCommand {
    pub(super) id: u64,
    pub(super) command: Report,
}

/// A request that has not been answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Exchange {
    pub(super) cursor: u64,
    pub(super) commands: Vec<u64>,
    pub(super) asserted: Vec<SharedName>,
}
