//! A circuit of this process, as the coordinator sees it.

use std::sync::Arc;
use std::time::Duration;

use crate::fleet::protocol::{Policy, SharedName};

/// A circuit of this process at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CircuitView {
    pub name: SharedName,
    pub state: LocalState,
    /// Changes whenever the state changes.
    pub generation: u64,
    pub policy: Policy,
    /// `true` if the circuit follows the fleet even if its own calls succeed.
    pub adopts_always: bool,
    pub evidence: Evidence,
    /// Number of calls that the open circuit has rejected so far, and of times that it said that it would.
    pub rejected: u64,
    /// The time for one round of trial calls.
    pub lease: Duration,
    /// The time for which the circuit stays open at first.
    pub recovery: Duration,
    /// The reason why the circuit opened; empty if it is not open.
    pub reason: Arc<str>,
    /// The settings that all processes must agree on, as a text.
    pub settings: Arc<str>,
}

/// The state of a circuit of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LocalState {
    Closed,
    /// Open for this long until a trial call is due; `None` if never.
    Open {
        due_in: Option<Duration>,
    },
    HalfOpen,
    /// Forced open by an operator of this process or of the fleet.
    ForcedOpen,
    Disabled,
}

/// The evidence that the calls of this process give about the dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// Calls succeed.
    Healthy,
    /// There are too few calls.
    Unknown,
    /// Calls fail.
    Failing,
}

/// A change of a circuit of this process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CircuitChange {
    /// Open the circuit for this long.
    Open { wait: Duration, rounds: u32, reason: Arc<str> },
    /// Close the circuit, because its trial calls or its processes show that the dependency works.
    Close,
    /// Close the circuit wholly, because an operator has closed that of the fleet.
    ForceClose { by: Arc<str>, why: Arc<str> },
    /// Admit trial calls now.
    Trial { rounds: u32 },
    /// Keep the open circuit of this generation open for this long from now.
    Hold { generation: u64, wait: Duration },
    /// Reject all calls because of a command.
    ForceOpen { by: Arc<str>, why: Arc<str> },
    /// Admit all calls because of a command.
    Disable { by: Arc<str>, why: Arc<str> },
    /// End an earlier command.
    Release { by: Arc<str>, why: Arc<str> },
}
