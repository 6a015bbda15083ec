//! A simulated fleet: the server, the processes, their dependencies, and the network.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use breaker_fleet_tests::ledger::Ledger;
use breaker_fleet_tests::local_circuit::{LocalCircuit, LocalSettings};
use breaker_runtime::fleet::StoreErrorKind;
use breaker_runtime::fleet::coordinator::{Evidence, Input, LocalState, Output};
use breaker_runtime::fleet::protocol::{
    ForceKind, Policy, Reply, Report, ReportKind, Request, SharedName, SharedRecord,
};
use fastrand::Rng;

use super::network::{Network, Quality};
use super::peer::{DriftingClock, Peer};
use super::queue::{Event, Planned, Queue};
use super::watch::{Goal, Times, Watch};

/// The time of the server at the time 0, in milliseconds.
const SERVER_START: u64 = 1_700_000_000_000;
/// How long an open circuit stays open, in milliseconds.
pub(crate) const RECOVERY: u64 = 10_000;
const LEASE: u64 = 5_000;
/// One of this many rounds of trial calls takes almost as long as its lease.
const SLOW_TRIALS: u64 = 3;

/// A simulated fleet. All times are microseconds.
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) network: Network,
    pub(crate) counts: Counts,
    pub(crate) ledger: Ledger,
    server: u32,
    peers: Vec<Peer>,
    queue: Queue,
    random: Rng,
    /// The breakers whose dependency does not work: for all processes, or for one of them.
    down: BTreeMap<usize, Sufferer>,
    watch: Option<Watch>,
    has_slow_trials: bool,
    /// The command that was given last. It is given again if it fails.
    command: Option<Report>,
}

/// For whom a dependency does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sufferer {
    All,
    One(usize),
}

/// What has happened so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Requests that the server has executed.
    pub(crate) executed: u64,
    /// Requests that came too late.
    pub(crate) stale: u64,
    pub(crate) granted: u64,
    /// Rounds of trial calls.
    pub(crate) trials: u64,
    /// Verdicts that changed a record without a live lease.
    pub(crate) unfenced: u64,
    /// Verdicts that came after the end of their lease.
    pub(crate) late_verdicts: u64,
}

pub(crate) fn name(breaker: usize) -> SharedName {
    SharedName::new(&format!("b{breaker}"), None)
}

fn index(name: &SharedName) -> usize {
    name.as_str().trim_start_matches('b').parse().unwrap_or(usize::MAX)
}

impl World {
    pub(crate) fn new(seed: u64, processes: usize, quality: Quality, ledger: Ledger) -> Self {
        let mut world = Self {
            now: 0,
            network: Network::new(quality),
            counts: Counts::default(),
            ledger,
            server: 0,
            peers: Vec::with_capacity(processes),
            queue: Queue::new(),
            random: Rng::with_seed(seed),
            down: BTreeMap::new(),
            watch: None,
            has_slow_trials: false,
            command: None,
        };
        for process in 0..processes {
            let peer = world.new_peer(process, 0);
            world.peers.push(peer);
            // The processes of a fleet start within ten seconds.
            let start = world.random.u64(0..10_000_000);
            world.queue.push(start, process, 0, Event::Timer);
        }
        world
    }

    fn new_peer(&mut self, process: usize, life: u32) -> Peer {
        let offset = self.random.u64(0..1_000_000_000_000);
        let rate = self.random.u64(999_500..=1_000_500);
        Peer::new(process, life, self.random.u64(1..), DriftingClock { offset, rate }, self.now)
    }

    pub(crate) const fn server_time(&self) -> u64 {
        SERVER_START + self.now / 1000
    }

    pub(crate) fn hash(&self) -> u64 {
        self.queue.hash()
    }

    pub(crate) const fn events(&self) -> u64 {
        self.queue.count()
    }

    pub(crate) const fn slow_down_trials(&mut self) {
        self.has_slow_trials = true;
    }

    /// Lets the simulation run for some milliseconds.
    pub(crate) fn run(&mut self, millis: u64) {
        let end = self.now + millis * 1000;
        while let Some(Planned { time, process, life, event, .. }) = self.queue.pop(end) {
            self.now = time;
            let Some(peer) = self.peers.get(process) else { continue };
            // A request that is on its way outlives its process.
            if peer.life == life || matches!(event, Event::Arrival { .. }) {
                self.handle(process, event);
            }
        }
        self.now = end;
    }

    /// Watches when the processes reach a goal from now on.
    pub(crate) fn watch(&mut self, breaker: usize, goal: Goal) {
        let name = name(breaker);
        let mut watch = Watch::new(name.clone(), goal, self.now, self.peers.len());
        for (process, peer) in self.peers.iter().enumerate() {
            let millis = peer.clock().local_millis(self.now);
            let state =
                peer.circuits.get(&name).map_or(LocalState::Closed, |circuit| circuit.local_state(millis));
            watch.see(process, state, self.now);
        }
        self.watch = Some(watch);
    }

    /// Returns when the processes before this one reached the goal.
    pub(crate) fn times(&self, processes: usize) -> Times {
        self.watch.as_ref().map(|watch| watch.times(processes)).unwrap_or_default()
    }

    /// Lets a dependency fail. Each process notices it within a second.
    pub(crate) fn break_down(&mut self, breaker: usize, sufferer: Sufferer) {
        self.down.insert(breaker, sufferer);
        for process in 0..self.peers.len() {
            self.plan_trip(process, breaker);
        }
    }

    pub(crate) fn repair(&mut self, breaker: usize) {
        self.down.remove(&breaker);
    }

    /// Gives a command to the fleet.
    pub(crate) fn command(&mut self, process: usize, breaker: usize, kind: ForceKind) {
        let kind = ReportKind::Force { kind, lasts: None, by: Arc::from("op"), why: Arc::from("") };
        let command = Report { name: name(breaker), epoch: 0, kind };
        self.command = Some(command.clone());
        self.step(process, Input::Command { id: 0, command: Box::new(command) });
    }

    /// Starts a process again, or adds one.
    pub(crate) fn start(&mut self, process: usize) {
        let life = self.peers.get(process).map_or(0, |peer| peer.life + 1);
        let peer = self.new_peer(process, life);
        match self.peers.get_mut(process) {
            Some(old) => *old = peer,
            None => self.peers.push(peer),
        }
        self.queue.push(self.now, process, life, Event::Timer);
    }

    /// Another server takes over, without data.
    pub(crate) fn lose_data(&mut self) {
        self.ledger.flush();
        self.server += 1;
    }

    fn is_down(&self, process: usize, breaker: usize) -> bool {
        self.down.get(&breaker).is_some_and(|&sufferer| match sufferer {
            Sufferer::All => true,
            Sufferer::One(only) => only == process,
        })
    }

    fn plan_trip(&mut self, process: usize, breaker: usize) {
        if self.is_down(process, breaker) {
            let time = self.now + self.random.u64(0..1_000_000);
            let life = self.peers.get(process).map_or(0, |peer| peer.life);
            self.queue.push(time, process, life, Event::Trip { breaker });
        }
    }

    fn handle(&mut self, process: usize, event: Event) {
        let is_current = |peers: &[Peer], exchange| {
            peers.get(process).is_some_and(|peer| peer.is_waiting && peer.exchange == exchange)
        };
        match event {
            Event::Timer => self.wake(process),
            Event::Arrival { exchange, request } => self.execute(process, exchange, &request),
            Event::Answer { exchange, mut reply } if is_current(&self.peers, exchange) => {
                if let Some(peer) = self.peers.get_mut(process) {
                    peer.is_waiting = false;
                    reply.is_new_server = peer.server.replace(self.server) != Some(self.server);
                }
                self.step(process, Input::Reply(reply));
            }
            Event::Timeout { exchange } if is_current(&self.peers, exchange) => {
                if let Some(peer) = self.peers.get_mut(process) {
                    peer.is_waiting = false;
                }
                self.step(process, Input::Failed { kind: StoreErrorKind::TimedOut, partial: None });
            }
            Event::Message { push } => self.step(process, Input::Pushed(Box::new((*push).clone()))),
            Event::Trip { breaker } if self.is_down(process, breaker) => {
                self.touch(process, &name(breaker), LocalCircuit::trip);
            }
            Event::Answer { .. } | Event::Timeout { .. } | Event::Trip { .. } => {}
            Event::TrialEnd { breaker, generation } => {
                let passes = !self.is_down(process, breaker);
                self.touch(process, &name(breaker), |circuit, millis| {
                    if circuit.generation() == generation {
                        circuit.end_trial(passes, millis);
                    }
                });
            }
        }
    }

    /// Calls the coordinator if its time has come. Each open circuit that it wants to see has rejected a call.
    fn wake(&mut self, process: usize) {
        let Some(peer) = self.peers.get_mut(process) else { return };
        if peer.planned == self.now {
            peer.planned = u64::MAX;
        }
        if peer.next_step() > self.now {
            return self.plan_timer(process);
        }
        let wanted: Vec<_> = peer.coordinator.wanted_at(peer.clock().local(self.now)).cloned().collect();
        for name in wanted {
            self.touch(process, &name, LocalCircuit::call);
        }
        self.step(process, Input::Tick);
    }

    /// Changes a circuit from outside, and passes it to the coordinator.
    fn touch(&mut self, process: usize, name: &SharedName, change: impl FnOnce(&mut LocalCircuit, u64)) {
        let is_down = self.is_down(process, index(name));
        let Some(peer) = self.peers.get_mut(process) else { return };
        let millis = peer.clock().local_millis(self.now);
        let circuit = peer.circuits.entry(name.clone()).or_insert_with(|| new_circuit(name));
        let before = circuit.generation();
        change(circuit, millis);
        if circuit.is_closed() {
            circuit.set_evidence(if is_down { Evidence::Unknown } else { Evidence::Healthy });
        }
        let view = circuit.view(millis);
        if circuit.generation() != before {
            self.notice_change(process, name);
        }
        self.step(process, Input::Circuit(Box::new(view)));
    }

    /// Follows a transition of a circuit: trial calls begin, or calls will fail again.
    fn notice_change(&mut self, process: usize, name: &SharedName) {
        let Some(peer) = self.peers.get(process) else { return };
        let Some(circuit) = peer.circuits.get(name) else { return };
        let (life, generation, breaker) = (peer.life, circuit.generation(), index(name));
        let state = circuit.local_state(peer.clock().local_millis(self.now));
        if let Some(watch) = self.watch.as_mut().filter(|watch| watch.name == *name) {
            watch.see(process, state, self.now);
        }
        match state {
            LocalState::HalfOpen => {
                self.counts.trials += 1;
                let is_slow = self.has_slow_trials && self.random.u64(0..SLOW_TRIALS) == 0;
                let takes = if is_slow {
                    LEASE * 1000 - self.random.u64(0..20_000)
                } else {
                    self.random.u64(20_000..100_000)
                };
                self.queue.push(self.now + takes, process, life, Event::TrialEnd { breaker, generation });
            }
            LocalState::Closed => self.plan_trip(process, breaker),
            LocalState::Open { .. } | LocalState::ForcedOpen | LocalState::Disabled => {}
        }
    }

    /// Passes an input to a coordinator, and does what it decides.
    fn step(&mut self, process: usize, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let Some(peer) = self.peers.get_mut(process) else { return };
            let (local, millis) = (peer.clock().local(self.now), peer.clock().local_millis(self.now));
            for output in peer.coordinator.step(local, input) {
                match output {
                    Output::Sync(request) => self.send(process, &Arc::new(*request)),
                    Output::Circuit { name, change } => {
                        let Some(peer) = self.peers.get_mut(process) else { return };
                        let circuit = peer.circuits.entry(name.clone()).or_insert_with(|| new_circuit(&name));
                        let before = circuit.generation();
                        circuit.follow(&change, millis);
                        inputs.push_back(Input::Circuit(Box::new(circuit.view(millis))));
                        if circuit.generation() != before {
                            self.notice_change(process, &name);
                        }
                    }
                    Output::Commanded { id, error: Some(_) } => {
                        let command = self.command.clone().map(Box::new);
                        inputs.extend(command.map(|command| Input::Command { id, command }));
                    }
                    Output::Commanded { error: None, .. } | Output::Notice(_) | Output::Left => {}
                }
            }
        }
        self.plan_timer(process);
    }

    fn plan_timer(&mut self, process: usize) {
        let Some(peer) = self.peers.get_mut(process) else { return };
        let next = peer.next_step().max(self.now + 1);
        if next < peer.planned {
            peer.planned = next;
            self.queue.push(next, process, peer.life, Event::Timer);
        }
    }

    fn send(&mut self, process: usize, request: &Arc<Request>) {
        let Some(peer) = self.peers.get_mut(process) else { return };
        peer.exchange += 1;
        peer.is_waiting = true;
        let (exchange, life) = (peer.exchange, peer.life);
        let timeout = self.now + u64::try_from(request.patience.as_micros()).unwrap_or(u64::MAX);
        self.queue.push(timeout, process, life, Event::Timeout { exchange });
        for delay in self.network.carry(process, &mut self.random) {
            let request = Arc::clone(request);
            self.queue.push(self.now + delay, process, life, Event::Arrival { exchange, request });
        }
    }

    fn execute(&mut self, process: usize, exchange: u64, request: &Request) {
        let asked: Vec<_> =
            request.reports.iter().filter(|report| asks(report)).map(|report| &report.name).collect();
        let tokens: Vec<_> = asked.iter().map(|name| self.record(name).token).collect();
        let verdicts: Vec<_> = request.reports.iter().filter_map(verdict).collect();
        let before: Vec<_> = verdicts.iter().map(|&(name, _)| self.record(name)).collect();
        let Ok(reply) = self.ledger.sync(self.server_time(), request) else {
            self.counts.stale += 1;
            return;
        };
        self.counts.executed += 1;
        for (name, token) in asked.into_iter().zip(tokens) {
            self.counts.granted += u64::from(self.record(name).token != token);
        }
        for ((name, token), before) in verdicts.into_iter().zip(before) {
            let lease = before.lease_at(self.server_time()).filter(|lease| lease.owner == request.instance);
            let is_late = lease.is_none() || before.token != token;
            self.counts.late_verdicts += u64::from(is_late);
            self.counts.unfenced += u64::from(is_late && self.record(name).epoch != before.epoch);
        }
        self.reply(process, exchange, &reply);
        self.publish(process);
    }

    fn record(&self, name: &SharedName) -> SharedRecord {
        self.ledger.record(name).cloned().unwrap_or_else(SharedRecord::closed)
    }

    fn reply(&mut self, process: usize, exchange: u64, reply: &Reply) {
        let life = self.peers.get(process).map_or(0, |peer| peer.life);
        for delay in self.network.carry(process, &mut self.random) {
            let reply = Box::new(reply.clone());
            self.queue.push(self.now + delay, process, life, Event::Answer { exchange, reply });
        }
    }

    /// Sends the message of the last exchange to all processes.
    fn publish(&mut self, publisher: usize) {
        let Some(push) = self.ledger.take_message() else { return };
        let push = Arc::new(push);
        for process in (0..self.peers.len()).filter(|&process| process != publisher) {
            let life = self.peers.get(process).map_or(0, |peer| peer.life);
            for delay in self.network.carry(process, &mut self.random) {
                let push = Arc::clone(&push);
                self.queue.push(self.now + delay, process, life, Event::Message { push });
            }
        }
    }
}

const fn asks(report: &Report) -> bool {
    matches!(report.kind, ReportKind::AskLease { .. })
}

/// Returns the circuit and the token of a report that ends a lease.
const fn verdict(report: &Report) -> Option<(&SharedName, u64)> {
    match report.kind {
        ReportKind::Passed { token } | ReportKind::Failed { token, .. } => Some((&report.name, token)),
        ReportKind::Vote { .. }
        | ReportKind::Withdraw
        | ReportKind::Dissent { .. }
        | ReportKind::AskLease { .. }
        | ReportKind::Assert { .. }
        | ReportKind::Force { .. } => None,
    }
}

fn new_circuit(name: &SharedName) -> LocalCircuit {
    let settings = LocalSettings { policy: Policy::Quorum, recovery: RECOVERY, lease: LEASE };
    LocalCircuit::new(name.clone(), settings)
}

/// Returns the interval between two exchanges of a process, in milliseconds.
pub(crate) fn tick(processes: usize) -> u64 {
    u64::try_from((processes / 1000).clamp(1, 15)).unwrap_or(1) * 1000
}

/// Returns the longest time until a process has read what it missed, in milliseconds.
pub(crate) fn two_ticks(processes: usize) -> u64 {
    2 * tick(processes) + u64::try_from(Duration::from_secs(1).as_millis()).unwrap_or(0)
}
