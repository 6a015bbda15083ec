//! A small model of a circuit in one process of a fleet: the states, and how it follows the changes of a coordinator.

use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::fleet::coordinator::{CircuitChange, CircuitView, Evidence, LocalState};
use breaker_runtime::fleet::protocol::{Policy, SharedName};

/// A circuit of one process. All times are milliseconds of the process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LocalCircuit {
    name: SharedName,
    settings: LocalSettings,
    state: State,
    generation: u64,
    rejected: u64,
    evidence: Evidence,
}

/// What the circuits of one breaker have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LocalSettings {
    /// How many processes must agree that the dependency fails.
    pub policy: Policy,
    /// How long the circuit stays open, in milliseconds.
    pub recovery: u64,
    /// The time for one round of trial calls, in milliseconds.
    pub lease: u64,
}

/// The state of the model. It knows until when it is open, unlike a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Closed,
    Open { due: u64 },
    HalfOpen,
    ForcedOpen,
    Disabled,
}

impl LocalCircuit {
    /// Creates a closed circuit.
    #[must_use]
    pub const fn new(name: SharedName, settings: LocalSettings) -> Self {
        Self { name, settings, state: State::Closed, generation: 0, rejected: 0, evidence: Evidence::Unknown }
    }

    /// Returns what a coordinator sees.
    #[must_use]
    pub fn view(&self, now: u64) -> CircuitView {
        let LocalSettings { policy, recovery, lease } = self.settings;
        CircuitView {
            name: self.name.clone(),
            state: self.local_state(now),
            generation: self.generation,
            policy,
            adopts_always: false,
            evidence: self.evidence,
            rejected: self.rejected,
            lease: Duration::from_millis(lease),
            recovery: Duration::from_millis(recovery),
            reason: Arc::from(""),
            settings: Arc::from(""),
        }
    }

    /// Returns the state as a coordinator sees it.
    #[must_use]
    pub const fn local_state(&self, now: u64) -> LocalState {
        match self.state {
            State::Closed => LocalState::Closed,
            State::Open { due } => {
                LocalState::Open { due_in: Some(Duration::from_millis(due.saturating_sub(now))) }
            }
            State::HalfOpen => LocalState::HalfOpen,
            State::ForcedOpen => LocalState::ForcedOpen,
            State::Disabled => LocalState::Disabled,
        }
    }

    /// Returns a number that grows with each transition.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns `true` if calls are admitted without limit.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Returns `true` if trial calls run, or may begin.
    #[must_use]
    pub const fn is_half_open(&self) -> bool {
        matches!(self.state, State::HalfOpen)
    }

    /// Returns `true` if calls are rejected, but not because of a command.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Sets how many processes must agree that the dependency fails.
    pub const fn set_policy(&mut self, policy: Policy) {
        self.settings.policy = policy;
    }

    /// Sets what the calls of the process say about the dependency.
    pub const fn set_evidence(&mut self, evidence: Evidence) {
        self.evidence = evidence;
    }

    /// Opens a closed circuit, because its calls fail.
    pub fn trip(&mut self, now: u64) {
        if self.is_closed() {
            self.move_to(State::Open { due: now + self.settings.recovery });
            self.evidence = Evidence::Failing;
        }
    }

    /// Makes a call. An open circuit rejects it until it is due. Then trial calls begin.
    pub fn call(&mut self, now: u64) {
        match self.state {
            State::Open { due } if now >= due => self.move_to(State::HalfOpen),
            State::Open { .. } => self.rejected += 1,
            State::Closed | State::HalfOpen | State::ForcedOpen | State::Disabled => {}
        }
    }

    /// Closes an open circuit, because an operator of the process does.
    pub fn close(&mut self) {
        self.move_to(State::Closed);
        self.evidence = Evidence::Unknown;
    }

    /// Ends the trial calls.
    pub fn end_trial(&mut self, passes: bool, now: u64) {
        if self.is_half_open() && passes {
            self.move_to(State::Closed);
            self.evidence = Evidence::Unknown;
        } else if self.is_half_open() {
            self.move_to(State::Open { due: now + self.settings.recovery });
        }
    }

    /// Follows a coordinator as far as the state allows it.
    pub fn follow(&mut self, change: &CircuitChange, now: u64) {
        let wait_until = |wait: &Duration| now + u64::try_from(wait.as_millis()).unwrap_or(u64::MAX / 2);
        match (change, self.state) {
            (CircuitChange::Open { wait, .. }, State::Closed | State::HalfOpen) => {
                self.move_to(State::Open { due: wait_until(wait) });
            }
            (
                CircuitChange::Close | CircuitChange::ForceClose { .. },
                State::Open { .. } | State::HalfOpen,
            ) => {
                self.move_to(State::Closed);
                self.evidence = Evidence::Unknown;
            }
            (CircuitChange::Trial { .. }, State::Open { .. }) => self.move_to(State::HalfOpen),
            (CircuitChange::Hold { generation, wait }, State::Open { .. })
                if *generation == self.generation =>
            {
                self.state = State::Open { due: wait_until(wait) };
            }
            (CircuitChange::ForceOpen { .. }, _) => self.move_to(State::ForcedOpen),
            (CircuitChange::Disable { .. }, _) => self.move_to(State::Disabled),
            (CircuitChange::Release { .. }, State::ForcedOpen | State::Disabled) => {
                self.move_to(State::Closed);
            }
            (
                CircuitChange::Open { .. }
                | CircuitChange::Close
                | CircuitChange::ForceClose { .. }
                | CircuitChange::Trial { .. }
                | CircuitChange::Hold { .. }
                | CircuitChange::Release { .. },
                _,
            ) => {}
        }
    }

    fn move_to(&mut self, state: State) {
        if self.state != state {
            self.state = state;
            self.generation += 1;
        }
    }
}
