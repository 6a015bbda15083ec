//! A state of the model: the server, the processes, and what is on its way between them.
#![expect(clippy::wildcard_enum_match_arm, reason = "the other faults concern other steps")]

use std::collections::BTreeMap;

use breaker_fleet_tests::ledger::Ledger;
use breaker_fleet_tests::local_circuit::LocalSettings;
use breaker_runtime::fleet::coordinator::{Input, LocalState};
use breaker_runtime::fleet::protocol::{
    CommandKind, ForceKind, Policy, Push, RecordState, Report, ReportKind, Request, SharedName, SharedRecord,
};

use super::fault::{Fate, Mutant};
use super::process::Process;

/// The time of the server when that of the processes is 0.
const SERVER_START: u64 = 1_000_000;
const RECORDS_AT_ONCE: usize = 10;
const LABELS: [&str; 3] = ["a", "b", "c"];

/// A state of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) mutant: Mutant,
    /// Milliseconds.
    pub(crate) now: u64,
    pub(crate) ledger: Ledger,
    /// What a server that takes over knows.
    replica: Ledger,
    server: u8,
    pub(crate) processes: Vec<Process>,
    /// Requests that their processes have given up.
    pub(crate) late: Vec<Request>,
    /// Messages that have not arrived.
    pub(crate) pushes: Vec<Delayed>,
    /// Number of faults that may still occur.
    pub(crate) faults: u8,
    /// Number of failures, successes and commands that may still occur.
    pub(crate) events: u8,
    pub(crate) lives: u64,
    /// What each epoch meant.
    meanings: BTreeMap<u64, Meaning>,
    pub(crate) grants: Vec<Grant>,
    /// The command that the server executed last, if it has lost no data since.
    pub(crate) command: Option<ForceKind>,
    pub(crate) broken: Vec<Rule>,
}

/// A message for one process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Delayed {
    pub(crate) process: usize,
    pub(crate) push: Push,
}

/// A lease that the server has granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Grant {
    pub(crate) token: u64,
    epoch: u64,
    expires: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Meaning {
    state: RecordState,
    command: Option<CommandKind>,
}

/// A rule that the server or a process has broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Rule {
    TokensAreUnique,
    OneLeaseForEachEpoch,
    EpochsGrow,
    EpochsHaveOneMeaning,
    OldReportsHaveNoEffect,
    OnlyTheLeaseDecides,
}

pub(crate) fn name() -> SharedName {
    SharedName::new("pay", None)
}

fn settings() -> LocalSettings {
    LocalSettings { policy: Policy::Quorum, recovery: 250, lease: 400 }
}

impl World {
    /// Returns a fleet whose processes have just connected.
    pub(crate) fn new(processes: usize, faults: u8, events: u8, mutant: Mutant) -> Self {
        let ledger = match mutant {
            Mutant::NoTokenCheck => Ledger::without_fencing(RECORDS_AT_ONCE),
            Mutant::None | Mutant::NoEpochCheck | Mutant::IgnoredCommands => Ledger::new(RECORDS_AT_ONCE),
        };
        let new_process = |label: &&str| Process::new(label, 0, &name(), &settings(), 0);
        let mut world = Self {
            mutant,
            now: 0,
            replica: ledger.clone(),
            ledger,
            server: 0,
            processes: LABELS.iter().take(processes).map(new_process).collect(),
            late: Vec::new(),
            pushes: Vec::new(),
            faults,
            events,
            lives: 0,
            meanings: BTreeMap::new(),
            grants: Vec::new(),
            command: None,
            broken: Vec::new(),
        };
        for index in 0..processes {
            world.tick(index);
            world.exchange(index, Fate::Arrives);
        }
        world
    }

    pub(crate) fn record(&self) -> SharedRecord {
        self.ledger.record(&name()).cloned().unwrap_or_else(SharedRecord::closed)
    }

    pub(crate) const fn server_time(&self) -> u64 {
        SERVER_START + self.now
    }

    pub(crate) fn tick(&mut self, index: usize) {
        let (now, mutant) = (self.now, self.mutant);
        self.with(index, |process| process.tick(now, mutant));
    }

    /// Changes a circuit from outside, and lets the coordinator see it.
    pub(crate) fn touch(&mut self, index: usize, change: impl FnOnce(&mut Process, u64)) {
        let (now, mutant) = (self.now, self.mutant);
        self.with(index, |process| {
            change(process, now);
            process.look(now, mutant);
        });
    }

    pub(crate) fn force(&mut self, index: usize, kind: ForceKind) {
        let (by, why) = (std::sync::Arc::from("op"), std::sync::Arc::from(""));
        let kind = ReportKind::Force { kind, lasts: None, by, why };
        let command = Box::new(Report { name: name(), epoch: 0, kind });
        let (now, mutant) = (self.now, self.mutant);
        self.with(index, |process| process.step(now, Input::Command { id: 0, command }, mutant));
    }

    /// Performs the exchange for which a process waits.
    pub(crate) fn exchange(&mut self, index: usize, fate: Fate) {
        let (now, mutant) = (self.now, self.mutant);
        let Some(request) = self.processes.get(index).and_then(|process| process.request.clone()) else {
            return;
        };
        if fate != Fate::Arrives {
            self.faults -= 1;
        }
        match fate {
            Fate::LosesRequest => return self.with(index, |process| process.fail(now, mutant)),
            Fate::DelaysRequest => {
                self.late.push(request);
                return self.with(index, |process| process.fail(now, mutant));
            }
            Fate::Doubles => self.execute(&request, Some(index), Fate::LosesPush),
            Fate::Arrives | Fate::LosesReply | Fate::LosesPush | Fate::DelaysReply | Fate::DelaysPush => {}
        }
        self.execute(&request, Some(index), fate);
        let server = self.server;
        self.with(index, |process| {
            let Some(reply) = process.reply.as_mut() else { return process.fail(now, mutant) };
            reply.is_new_server = process.server != Some(server);
            process.server = Some(server);
            match fate {
                Fate::LosesReply => process.fail(now, mutant),
                Fate::DelaysReply => {}
                _ => {
                    if let Some(reply) = process.reply.take() {
                        process.receive(now, reply, mutant);
                    }
                }
            }
        });
    }

    /// Delivers the answer that has been delayed.
    pub(crate) fn answer(&mut self, index: usize) {
        let (now, mutant) = (self.now, self.mutant);
        self.with(index, |process| {
            if let Some(reply) = process.reply.take() {
                process.receive(now, reply, mutant);
            }
        });
    }

    pub(crate) fn deliver(&mut self, position: usize) {
        let Delayed { process, push } = self.pushes.remove(position);
        let (now, mutant) = (self.now, self.mutant);
        self.with(process, |process| process.receive_push(now, push, mutant));
    }

    /// Executes a request on the server, and keeps its reply for the process.
    pub(crate) fn execute(&mut self, request: &Request, asks: Option<usize>, fate: Fate) {
        let before = self.record();
        let mut executed = request.clone();
        if self.mutant == Mutant::NoEpochCheck {
            executed.reports.iter_mut().for_each(|report| report.epoch = before.epoch);
        }
        let Ok(reply) = self.ledger.sync(self.server_time(), &executed) else { return };
        self.check(&before, request);
        if let Some(process) = asks.and_then(|index| self.processes.get_mut(index)) {
            process.reply = Some(reply);
        }
        let Some(push) = self.ledger.take_message() else { return };
        for index in (0..self.processes.len()).filter(|&index| Some(index) != asks) {
            match fate {
                Fate::LosesPush => {}
                Fate::DelaysPush => self.pushes.push(Delayed { process: index, push: push.clone() }),
                _ => {
                    let (now, mutant, push) = (self.now, self.mutant, push.clone());
                    self.with(index, |process| process.receive_push(now, push, mutant));
                }
            }
        }
    }

    /// Ends a process and starts it again.
    pub(crate) fn restart(&mut self, index: usize) {
        self.lives += 1;
        let label = LABELS.get(index).copied().unwrap_or_default();
        let process = Process::new(label, self.lives, &name(), &settings(), self.now);
        if let Some(old) = self.processes.get_mut(index) {
            *old = process;
        }
        self.pushes.retain(|delayed| delayed.process != index);
    }

    /// Removes all data of the server.
    pub(crate) fn flush(&mut self) {
        self.ledger.flush();
        self.lose_data();
    }

    /// Another server takes over, which lacks what happened since the time last moved.
    pub(crate) fn fail_over(&mut self) {
        self.ledger = self.replica.clone();
        self.server += 1;
        self.lose_data();
    }

    fn lose_data(&mut self) {
        self.command = None;
        // It takes time, so no number of the new data equals one of the old data.
        self.now += 1;
        // Leases that the server has forgotten are only told apart by their tokens.
        self.grants.iter_mut().for_each(|grant| grant.expires = 0);
    }

    /// Returns the next time at which a process does something.
    pub(crate) fn next_time(&self) -> u64 {
        self.processes.iter().map(Process::next_step).min().unwrap_or(u64::MAX).max(self.now + 1)
    }

    /// Lets time pass. What was delayed until now is too late.
    pub(crate) fn advance(&mut self) {
        self.replica = self.ledger.clone();
        self.now = self.next_time();
        self.late.clear();
        for index in 0..self.processes.len() {
            let (now, mutant) = (self.now, self.mutant);
            self.with(index, |process| {
                if process.reply.is_some() {
                    process.fail(now, mutant);
                }
            });
        }
    }

    /// Returns `true` if the circuit is what a command demands, or forced by none.
    pub(crate) fn follows(process: &Process, now: u64, command: Option<CommandKind>) -> bool {
        let state = process.circuit.local_state(now);
        match command {
            Some(CommandKind::Open) => state == LocalState::ForcedOpen,
            Some(CommandKind::Disabled) => state == LocalState::Disabled,
            None => !matches!(state, LocalState::ForcedOpen | LocalState::Disabled),
        }
    }

    fn with(&mut self, index: usize, change: impl FnOnce(&mut Process)) {
        if let Some(process) = self.processes.get_mut(index) {
            change(process);
            if process.went_back {
                self.broken.push(Rule::EpochsGrow);
            }
        }
    }

    /// Compares the record with what it was before a request, and notes what is wrong.
    fn check(&mut self, before: &SharedRecord, request: &Request) {
        let (after, now) = (self.record(), self.server_time());
        if after == *before {
            return;
        }
        for Report { epoch, kind, .. } in &request.reports {
            match kind {
                ReportKind::Force { kind, .. } => self.command = Some(*kind),
                ReportKind::Assert { .. } => {}
                ReportKind::Passed { token } | ReportKind::Failed { token, .. } => {
                    let is_held = before.token == *token && before.lease_at(now).is_some();
                    self.break_rule(!is_held && request.reports.len() == 1, Rule::OnlyTheLeaseDecides);
                }
                ReportKind::Vote { .. }
                | ReportKind::Withdraw
                | ReportKind::Dissent { .. }
                | ReportKind::AskLease { .. } => {
                    let is_old = before.epoch > 0 && before.epoch != *epoch;
                    self.break_rule(is_old && request.reports.len() == 1, Rule::OldReportsHaveNoEffect);
                }
            }
        }
        self.break_rule(after.epoch < before.epoch, Rule::EpochsGrow);
        let meaning =
            Meaning { state: after.state, command: after.command.as_ref().map(|command| command.kind) };
        let known = *self.meanings.entry(after.epoch).or_insert(meaning);
        self.break_rule(known != meaning, Rule::EpochsHaveOneMeaning);
        if let Some(lease) = after.lease.as_ref().filter(|_| after.token != before.token) {
            let is_used = self.grants.iter().any(|grant| grant.token >= after.token);
            self.break_rule(is_used, Rule::TokensAreUnique);
            let is_live = |grant: &Grant| grant.epoch == after.epoch && grant.expires > now;
            self.break_rule(self.grants.iter().any(is_live), Rule::OneLeaseForEachEpoch);
            self.grants.push(Grant { token: after.token, epoch: after.epoch, expires: lease.expires });
        }
    }

    fn break_rule(&mut self, is_broken: bool, rule: Rule) {
        if is_broken {
            self.broken.push(rule);
        }
    }
}
