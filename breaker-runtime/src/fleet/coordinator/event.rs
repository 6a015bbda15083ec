//! The inputs and the decisions of a coordinator.

use super::view::{CircuitChange, CircuitView};
use crate::fleet::protocol::{Push, Reply, Report, Request, SettingsConflict, SharedName};
use crate::fleet::store::StoreErrorKind;

/// An event for the coordinator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The time that [`Coordinator::next_step`](super::Coordinator::next_step) returned has come. The
    /// [wanted](super::Coordinator::wanted_at) circuits have been passed before.
    Tick,
    /// A circuit of this process, as it is now. It is passed after each transition, and after each change that the
    /// coordinator has decided.
    Circuit(Box<CircuitView>),
    /// This process has no shared circuit of this name, or no longer.
    Removed(SharedName),
    /// The store has answered.
    Reply(Box<Reply>),
    /// The store has not answered, or refused the request. It may have sent records nevertheless.
    Failed { kind: StoreErrorKind, partial: Option<Box<Reply>> },
    /// The store has sent a message.
    Pushed(Box<Push>),
    /// An operator gives a command to all processes. `id` is returned with its result.
    Command { id: u64, command: Box<Report> },
    /// The process leaves the fleet.
    Leave,
}

/// An action that the coordinator has decided on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// Send this request, and pass the answer as an input. There is at most one request at a time.
    Sync(Box<Request>),
    /// Change a circuit of this process, and pass it as an input afterwards.
    Circuit { name: SharedName, change: CircuitChange },
    /// The command with this number has been executed, or has failed. A failed one may have been executed.
    Commanded { id: u64, error: Option<StoreErrorKind> },
    /// Report this to people.
    Notice(Notice),
    /// The process has left the fleet.
    Left,
}

/// A message for people.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// The store is connected.
    Connected,
    /// The store is away.
    Disconnected(StoreErrorKind),
    /// A record of the store cannot be read, and is ignored.
    Unreadable(String),
    /// Another process shares a circuit of this name with other settings.
    Conflict(SettingsConflict),
    /// The store has lost data, which this process restores as far as it knows it.
    DataLost,
    /// The store answers, but refuses every change.
    ReadOnly(StoreErrorKind),
}
