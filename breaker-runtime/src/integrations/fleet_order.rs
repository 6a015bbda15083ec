//! A command to all processes of a fleet, as an operator gives it over HTTP.

/// The effect of a command on the circuit of all processes.
#[derive(Clone, Copy, Debug)]
pub(super) enum FleetAction {
    ForceOpen,
    ForceClose,
    Disable,
    Release,
}

/// A command to all processes.
#[allow(dead_code, reason = "only the feature `redis` carries it out")]
#[derive(Clone, Debug)]
pub(super) struct FleetOrder {
    pub(super) action: FleetAction,
    pub(super) circuit: String,
    pub(super) key: Option<String>,
    pub(super) by: String,
    pub(super) why: String,
}

/// The reason why a command did not reach all processes.
#[allow(dead_code, reason = "without the feature `redis`, there is no fleet")]
#[derive(Clone, Debug)]
pub(super) enum FleetRefusal {
    NoFleet,
    /// The name or the key is none that a shared circuit can have.
    Name(String),
    /// Redis did not confirm the command, which may have been executed nevertheless.
    NotConfirmed(String),
}
