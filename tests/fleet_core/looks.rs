//! How often a process looks at its circuits, and that it reports all of them nevertheless.
#![expect(clippy::expect_used, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use breaker_fleet_tests::local_circuit::{LocalCircuit, LocalSettings};
use breaker_runtime::fleet::coordinator::{Coordinator, Input, Output};
use breaker_runtime::fleet::protocol::{
    InstanceId, Policy, RecordState, Reply, Report, ReportKind, Request, SharedName, SharedRecord,
};

const TICK: Duration = Duration::from_secs(1);
const MINUTE: u64 = 60_000;

/// The time of the server when the process starts.
const START: u64 = 1_000_000;

/// One process, and a server that answers at once.
struct Scene {
    coordinator: Coordinator,
    instance: InstanceId,
    circuits: BTreeMap<SharedName, LocalCircuit>,
    alive: u32,
    /// The records that the next reply contains.
    news: Vec<(SharedName, SharedRecord)>,
    /// The circuits of which the process has asked for the lease, and those that it has voted to open.
    asked: BTreeSet<SharedName>,
    voted: BTreeSet<SharedName>,
    looks: usize,
    now: u64,
}

impl Scene {
    fn new(circuits: usize, alive: u32) -> Self {
        let settings = LocalSettings { policy: Policy::Quorum, recovery: 5_000, lease: 10_000 };
        let circuit = |name: SharedName| (name.clone(), LocalCircuit::new(name, settings.clone()));
        let instance = InstanceId::new("pod", 1);
        Self {
            coordinator: Coordinator::new(instance.clone(), 7, TICK, Duration::ZERO),
            instance,
            circuits: (0..circuits).map(|number| circuit(name(number))).collect(),
            alive,
            news: Vec::new(),
            asked: BTreeSet::new(),
            voted: BTreeSet::new(),
            looks: 0,
            now: 0,
        }
    }

    /// Lets this many milliseconds pass.
    fn run(&mut self, millis: u64) {
        let end = self.now + millis;
        loop {
            let next = self.coordinator.next_step().as_nanos().div_ceil(1_000_000);
            self.now = u64::try_from(next).expect("a time").max(self.now);
            if self.now > end {
                self.now = end;
                return;
            }
            let wanted: Vec<_> = self.coordinator.wanted_at(self.local()).cloned().collect();
            self.looks += wanted.len();
            for name in &wanted {
                self.look(name);
            }
            self.step(Input::Tick);
        }
    }

    fn local(&self) -> Duration {
        Duration::from_millis(self.now)
    }

    fn look(&mut self, name: &SharedName) {
        let view = self.circuits.get(name).expect("it is known").view(self.now);
        self.step(Input::Circuit(Box::new(view)));
    }

    fn step(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for output in self.coordinator.step(self.local(), input) {
                match output {
                    Output::Sync(request) => inputs.push_back(Input::Reply(Box::new(self.answer(&request)))),
                    Output::Circuit { name, change } => {
                        let circuit = self.circuits.get_mut(&name).expect("it is known");
                        circuit.follow(&change, self.now);
                        inputs.push_back(Input::Circuit(Box::new(circuit.view(self.now))));
                    }
                    Output::Commanded { .. } | Output::Notice(_) | Output::Left => {}
                }
            }
        }
    }

    /// Returns an answer with the records that have changed. Votes are kept, and do not open a circuit.
    fn answer(&mut self, request: &Request) -> Reply {
        let now = START + self.now;
        for Report { name, kind, .. } in &request.reports {
            match kind {
                ReportKind::Vote { .. } => {
                    self.voted.insert(name.clone());
                    let votes = vec![self.instance.clone()];
                    self.news
                        .push((name.clone(), SharedRecord { version: now, votes, ..SharedRecord::closed() }));
                }
                ReportKind::AskLease { .. } => _ = self.asked.insert(name.clone()),
                ReportKind::Withdraw
                | ReportKind::Dissent { .. }
                | ReportKind::Passed { .. }
                | ReportKind::Failed { .. }
                | ReportKind::Assert { .. }
                | ReportKind::Force { .. } => {}
            }
        }
        Reply {
            incarnation: 1,
            version: now,
            now,
            alive: self.alive,
            has_more: false,
            records: std::mem::take(&mut self.news),
            unreadable: Vec::new(),
            conflicts: Vec::new(),
            is_new_server: false,
            lost: Vec::new(),
        }
    }

    /// Opens the circuits of the fleet, which are due at once.
    fn open_all(&mut self) {
        let reason = Arc::from("broken");
        let open = SharedRecord {
            state: RecordState::Open,
            epoch: START,
            version: START,
            due: START,
            reason,
            ..SharedRecord::closed()
        };
        self.news = self.circuits.keys().map(|name| (name.clone(), open.clone())).collect();
    }
}

fn name(number: usize) -> SharedName {
    SharedName::new(&format!("dependency {number}"), None)
}

#[test]
fn a_process_looks_at_many_open_circuits_of_a_large_fleet_seldom() {
    let mut scene = Scene::new(1_000, 1_000);
    scene.open_all();
    scene.run(MINUTE);
    assert!(scene.circuits.values().all(LocalCircuit::is_open), "they are held open");
    scene.looks = 0;
    scene.run(MINUTE);
    // A look at each of them at every tick would be 60,000.
    assert!(scene.looks < 15_000, "{}", scene.looks);
    assert!(scene.circuits.values().all(LocalCircuit::is_open), "they are still held open");
}

#[test]
fn a_rejected_call_of_one_of_many_circuits_leads_to_a_request_for_its_lease() {
    let mut scene = Scene::new(1_000, 1_000);
    scene.open_all();
    scene.run(MINUTE);
    assert_eq!(scene.asked.len(), 0, "no call was rejected");
    let called = name(77);
    scene.circuits.get_mut(&called).expect("it exists").call(scene.now);
    scene.run(11_000);
    assert_eq!(scene.asked, BTreeSet::from([called]));
}

#[test]
fn a_process_of_a_small_fleet_looks_at_a_circuit_that_is_due_four_times_per_second() {
    let mut scene = Scene::new(100, 3);
    scene.open_all();
    scene.run(MINUTE);
    scene.looks = 0;
    scene.run(MINUTE);
    // A few more looks keep the circuits open.
    assert!((24_000..27_000).contains(&scene.looks), "{}", scene.looks);
}

#[test]
fn circuits_that_have_not_changed_are_no_work() {
    let mut scene = Scene::new(1_000, 1_000);
    scene.run(MINUTE);
    assert_eq!(scene.looks, 0);
}

#[test]
fn every_vote_of_a_process_with_many_circuits_is_reported() {
    let mut scene = Scene::new(1_000, 10);
    scene.run(2_000);
    let names: Vec<_> = scene.circuits.keys().cloned().collect();
    for name in &names {
        scene.circuits.get_mut(name).expect("it exists").trip(scene.now);
        scene.look(name);
    }
    scene.run(5_000);
    assert_eq!(scene.voted.len(), names.len());
}
