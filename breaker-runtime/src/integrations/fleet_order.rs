//! A command to all processes of a fleet, as an operator gives it over HTTP.

/// What a command does to the circuit of all processes.
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
