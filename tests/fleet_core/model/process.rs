//! One process of the model: a coordinator, a circuit, and the connection between the process and the server.

use std::time::Duration;

use breaker_fleet_tests::local_circuit::{LocalCircuit, LocalSettings};
use breaker_runtime::fleet::StoreErrorKind;
use breaker_runtime::fleet::coordinator::{CircuitChange, Coordinator, Input, Output};
use breaker_runtime::fleet::protocol::{InstanceId, Push, Reply, Request, SharedName};

use super::fault::Mutant;

const TICK: Duration = Duration::from_secs(1);

/// A process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Process {
    pub(crate) instance: InstanceId,
    pub(crate) coordinator: Coordinator,
    pub(crate) circuit: LocalCircuit,
    /// The request that has not been answered.
    pub(crate) request: Option<Request>,
    /// The answer to it that has not arrived.
    pub(crate) reply: Option<Reply>,
    /// The server that answered last.
    pub(crate) server: Option<u8>,
    /// The lease under which the circuit became half-open.
    pub(crate) trial_token: Option<u64>,
    /// The highest epoch that the process has seen.
    pub(crate) epoch: u64,
    pub(crate) went_back: bool,
}

impl Process {
    pub(crate) fn new(label: &str, life: u64, name: &SharedName, settings: &LocalSettings, now: u64) -> Self {
        let instance = InstanceId::new(label, life);
        Self {
            coordinator: Coordinator::new(instance.clone(), 0, TICK, Duration::from_millis(now)),
            instance,
            circuit: LocalCircuit::new(name.clone(), settings.clone()),
            request: None,
            reply: None,
            server: None,
            trial_token: None,
            epoch: 0,
            went_back: false,
        }
    }

    /// Returns when the coordinator must be called.
    pub(crate) fn next_step(&self) -> u64 {
        u64::try_from(self.coordinator.next_step().as_micros().div_ceil(1000)).unwrap_or(u64::MAX)
    }

    /// Makes a call, if the circuit rejects calls, and passes the time to the coordinator.
    pub(crate) fn tick(&mut self, now: u64, mutant: Mutant) {
        self.circuit.call(now);
        if self.coordinator.wanted().next().is_some() {
            self.look(now, mutant);
        }
        self.step(now, Input::Tick, mutant);
    }

    /// Passes the circuit as it is now.
    pub(crate) fn look(&mut self, now: u64, mutant: Mutant) {
        self.step(now, Input::Circuit(Box::new(self.circuit.view(now))), mutant);
    }

    pub(crate) fn receive(&mut self, now: u64, reply: Reply, mutant: Mutant) {
        self.request = None;
        self.step(now, Input::Reply(Box::new(reply)), mutant);
    }

    pub(crate) fn receive_push(&mut self, now: u64, push: Push, mutant: Mutant) {
        self.step(now, Input::Pushed(Box::new(push)), mutant);
    }

    /// Takes note that the server has not answered in time.
    pub(crate) fn fail(&mut self, now: u64, mutant: Mutant) {
        (self.request, self.reply) = (None, None);
        self.step(now, Input::Failed { kind: StoreErrorKind::TimedOut, partial: None }, mutant);
    }

    pub(crate) fn step(&mut self, now: u64, input: Input, mutant: Mutant) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for output in self.coordinator.step(Duration::from_millis(now), input) {
                match output {
                    Output::Sync(request) => self.request = Some(*request),
                    Output::Circuit { change, .. } => {
                        self.change(now, &change, mutant);
                        inputs.push(Input::Circuit(Box::new(self.circuit.view(now))));
                    }
                    Output::Commanded { .. } | Output::Notice(_) | Output::Left => {}
                }
            }
        }
        let epoch = self.coordinator.records().map(|(_, record)| record.epoch).max().unwrap_or(0);
        self.went_back |= epoch < self.epoch;
        self.epoch = self.epoch.max(epoch);
        if !self.circuit.is_half_open() {
            self.trial_token = None;
        }
    }

    fn change(&mut self, now: u64, change: &CircuitChange, mutant: Mutant) {
        let is_command = matches!(change, CircuitChange::ForceOpen { .. } | CircuitChange::Disable { .. });
        if mutant == Mutant::IgnoredCommands && is_command {
            return;
        }
        if matches!(change, CircuitChange::Trial { .. }) {
            self.trial_token = self.coordinator.records().map(|(_, record)| record.token).max();
        }
        self.circuit.follow(change, now);
    }
}
