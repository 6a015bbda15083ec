//! A few processes with many circuits, and a server that answers at once unless a process is cut off from it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use breaker_runtime::fleet::StoreErrorKind;
use breaker_runtime::fleet::coordinator::{Coordinator, Input, LocalState, Output};
use breaker_runtime::fleet::protocol::{
    ForceKind, InstanceId, Reply, Report, ReportKind, SharedName, SharedRecord,
};

use crate::ledger::Ledger;
use crate::local_circuit::{LocalCircuit, LocalSettings};

const TICK: Duration = Duration::from_secs(1);

/// The time of the server when the fleet starts.
const START: u64 = 1_000_000_000;

const RECORDS_AT_ONCE: usize = 1_000;

/// A fleet on one server.
#[derive(Clone, Debug)]
pub struct SmallFleet {
    /// The server.
    pub server: Ledger,
    /// The processes.
    pub processes: Vec<SmallProcess>,
    now: u64,
}

/// A process of the fleet, with all its circuits.
#[derive(Clone, Debug)]
pub struct SmallProcess {
    /// The decisions of the process.
    pub coordinator: Coordinator,
    /// The circuits by their names.
    pub circuits: BTreeMap<SharedName, LocalCircuit>,
    /// `true` while the requests of the process are lost.
    pub is_cut_off: bool,
    /// `true` while the answers to the process are delayed.
    pub is_slow: bool,
    delayed: Option<Reply>,
    /// `true` once the process does nothing more.
    pub is_dead: bool,
    /// Number of exchanges.
    pub exchanges: usize,
    /// Number of votes that have been sent.
    pub votes: usize,
}

impl SmallFleet {
    /// Creates processes that have each of these circuits.
    #[must_use]
    pub fn new(processes: usize, circuits: &[&str], settings: &LocalSettings) -> Self {
        let circuit = |&name: &&str| {
            let name = SharedName::new(name, None);
            (name.clone(), LocalCircuit::new(name, settings.clone()))
        };
        let process = |number| SmallProcess {
            coordinator: Coordinator::new(instance(number), number as u64 + 1, TICK, Duration::ZERO),
            circuits: circuits.iter().map(circuit).collect(),
            is_cut_off: false,
            is_slow: false,
            delayed: None,
            is_dead: false,
            exchanges: 0,
            votes: 0,
        };
        let server = Ledger::new(RECORDS_AT_ONCE);
        let mut fleet = Self { server, processes: (0..processes).map(process).collect(), now: 0 };
        fleet.run(3_000);
        fleet
    }

    /// Lets this many milliseconds pass.
    pub fn run(&mut self, millis: u64) {
        let end = self.now + millis;
        while self.now < end {
            for index in 0..self.processes.len() {
                self.tick(index);
            }
            let next = self.processes.iter().filter(|process| !process.is_dead);
            let next = next.map(|process| process.coordinator.next_step().as_nanos().div_ceil(1_000_000));
            let next = next.min().and_then(|next| u64::try_from(next).ok()).unwrap_or(end);
            self.now = next.max(self.now + 1).min(end);
        }
    }

    /// Changes a circuit of a process, and lets its coordinator see it.
    pub fn change(&mut self, index: usize, name: &str, change: impl FnOnce(&mut LocalCircuit, u64)) {
        let (name, now) = (SharedName::new(name, None), self.now);
        let process = self.processes.get_mut(index);
        if let Some(circuit) = process.and_then(|process| process.circuits.get_mut(&name)) {
            change(circuit, now);
        }
        self.look(index, &name);
    }

    /// Lets an operator give a command to all processes, at this process.
    pub fn command(&mut self, index: usize, name: &str, kind: ForceKind) {
        let (by, why) = (Arc::from("ada"), Arc::from(""));
        let kind = ReportKind::Force { kind, lasts: None, by, why };
        let command = Report { name: SharedName::new(name, None), epoch: 0, kind };
        self.step(index, Input::Command { id: 1, command: Box::new(command) });
    }

    /// Returns the states of a circuit in all processes.
    #[must_use]
    pub fn states(&self, name: &str) -> Vec<LocalState> {
        let name = SharedName::new(name, None);
        let circuits = self.processes.iter().filter_map(|process| process.circuits.get(&name));
        circuits.map(|circuit| circuit.view(self.now).state).collect()
    }

    /// Returns the record of a circuit on the server.
    #[must_use]
    pub fn record(&self, name: &str) -> SharedRecord {
        let record = self.server.record(&SharedName::new(name, None));
        record.cloned().unwrap_or_else(SharedRecord::closed)
    }

    /// Delivers the delayed answer to a process. Later ones are not delayed.
    pub fn answer(&mut self, index: usize) {
        let Some(process) = self.processes.get_mut(index) else { return };
        process.is_slow = false;
        if let Some(reply) = process.delayed.take() {
            self.step(index, Input::Reply(Box::new(reply)));
        }
    }

    /// Lets a process leave the fleet.
    pub fn leave(&mut self, index: usize) {
        self.step(index, Input::Leave);
        self.run(1_000);
        if let Some(process) = self.processes.get_mut(index) {
            process.is_dead = true;
        }
    }

    fn tick(&mut self, index: usize) {
        let local = Duration::from_millis(self.now);
        let Some(process) = self.processes.get(index) else { return };
        if process.is_dead || process.coordinator.next_step() > local {
            return;
        }
        let wanted: Vec<_> = process.coordinator.wanted_at(local).cloned().collect();
        for name in wanted {
            self.look(index, &name);
        }
        self.step(index, Input::Tick);
    }

    fn look(&mut self, index: usize, name: &SharedName) {
        let circuit = self.processes.get(index).and_then(|process| process.circuits.get(name));
        let input = match circuit {
            Some(circuit) => Input::Circuit(Box::new(circuit.view(self.now))),
            None => Input::Removed(name.clone()),
        };
        self.step(index, input);
    }

    fn step(&mut self, index: usize, input: Input) {
        let Some(process) = self.processes.get_mut(index) else { return };
        let local = Duration::from_millis(self.now);
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for output in process.coordinator.step(local, input) {
                match output {
                    Output::Sync(request) => {
                        process.exchanges += 1;
                        let is_vote = |report: &&Report| matches!(report.kind, ReportKind::Vote { .. });
                        process.votes += request.reports.iter().filter(is_vote).count();
                        let reply = (!process.is_cut_off)
                            .then(|| self.server.sync(START + self.now, &request).ok())
                            .flatten();
                        if process.is_slow {
                            process.delayed = reply;
                            continue;
                        }
                        let lost = Input::Failed { kind: StoreErrorKind::TimedOut, partial: None };
                        inputs.push_back(reply.map_or(lost, |reply| Input::Reply(Box::new(reply))));
                    }
                    Output::Circuit { name, change } => {
                        let Some(circuit) = process.circuits.get_mut(&name) else { continue };
                        circuit.follow(&change, self.now);
                        inputs.push_back(Input::Circuit(Box::new(circuit.view(self.now))));
                    }
                    Output::Commanded { .. } | Output::Notice(_) | Output::Left => {}
                }
            }
        }
    }
}

/// Returns the name of a process.
#[must_use]
pub fn instance(number: usize) -> InstanceId {
    InstanceId::new(&format!("p{number}"), 1)
}
