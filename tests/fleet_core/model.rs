//! Explores all states of a small fleet: two or three processes that share one circuit, with the real coordinator, and
//! the model of the server's script. Requests, answers and messages are lost, doubled and delayed, processes restart, the
//! server loses its data, and operators give commands.
//!
//! | file | contents |
//! |---|---|
//! | `world.rs` | a state: the server, the processes, and what is on its way |
//! | `process.rs` | one process |
//! | `fault.rs` | what can go wrong, and programs with a fault |
//! | `continuation.rs` | what becomes of a state if nothing fails any more |
#![expect(clippy::print_stdout, reason = "the test prints how much it explores")]

#[path = "model/continuation.rs"]
mod continuation;
#[path = "model/fault.rs"]
mod fault;
#[path = "model/process.rs"]
mod process;
#[path = "model/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Instant;

use breaker_runtime::fleet::coordinator::Evidence;
use breaker_runtime::fleet::protocol::{CommandKind, ForceKind};
use stateright::{Checker, DiscoveryClassification, HasDiscoveries, Model, Property};

use fault::{Fate, Mutant};
use world::{Rule, World};

/// The bounds of an exploration.
#[derive(Clone, Debug)]
struct Fleet {
    processes: usize,
    /// The longest time, in milliseconds.
    end: u64,
    faults: u8,
    events: u8,
    /// The commands that operators give.
    commands: &'static [ForceKind],
    mutant: Mutant,
    /// One of this many states is followed without faults.
    followed: u64,
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    Advance,
    Tick(usize),
    Exchange(usize, Fate),
    Answer(usize),
    DeliverPush(usize),
    DoublePush(usize),
    ExecuteLate(usize),
    CallsFail(usize),
    CallsSucceed(usize),
    EndTrial { process: usize, passes: bool },
    Command(usize, ForceKind),
    Restart(usize),
    Flush,
    FailOver,
}

impl Model for Fleet {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.processes, self.faults, self.events, self.mutant)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let mut is_idle = true;
        for (index, process) in world.processes.iter().enumerate() {
            let waits = process.request.is_some() && process.reply.is_none();
            let is_due = process.next_step() <= world.now;
            is_idle &= !waits && !is_due;
            if waits {
                actions.push(Action::Exchange(index, Fate::Arrives));
                if world.faults > 0 {
                    actions.extend(Fate::FAULTS.map(|fate| Action::Exchange(index, fate)));
                }
            }
            if is_due {
                actions.push(Action::Tick(index));
            }
            if process.reply.is_some() {
                actions.push(Action::Answer(index));
            }
            if process.circuit.is_half_open() {
                actions.push(Action::EndTrial { process: index, passes: true });
                actions.push(Action::EndTrial { process: index, passes: false });
            }
            if world.events > 0 && process.circuit.is_closed() {
                actions.push(Action::CallsFail(index));
                actions.push(Action::CallsSucceed(index));
            }
            if world.faults > 0 {
                actions.push(Action::Restart(index));
            }
        }
        if world.events > 0 {
            actions.extend(self.commands.iter().map(|&kind| Action::Command(0, kind)));
        }
        for position in 0..world.pushes.len() {
            actions.push(Action::DeliverPush(position));
            if world.faults > 0 {
                actions.push(Action::DoublePush(position));
            }
        }
        actions.extend((0..world.late.len()).map(Action::ExecuteLate));
        if world.faults > 0 {
            actions.push(Action::Flush);
            actions.push(Action::FailOver);
        }
        if is_idle && world.next_time() <= self.end {
            actions.push(Action::Advance);
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Advance => world.advance(),
            Action::Tick(index) => world.tick(index),
            Action::Exchange(index, fate) => world.exchange(index, fate),
            Action::Answer(index) => world.answer(index),
            Action::DeliverPush(position) => world.deliver(position),
            Action::DoublePush(position) => {
                world.faults -= 1;
                let delayed = world.pushes.get(position).cloned();
                world.deliver(position);
                world.pushes.extend(delayed);
            }
            Action::ExecuteLate(position) => {
                let request = world.late.remove(position);
                world.execute(&request, None, Fate::Arrives);
            }
            Action::CallsFail(index) => {
                world.events -= 1;
                world.touch(index, |process, now| process.circuit.trip(now));
            }
            Action::CallsSucceed(index) => {
                world.events -= 1;
                world.touch(index, |process, _| process.circuit.set_evidence(Evidence::Healthy));
            }
            Action::EndTrial { process, passes } => {
                world.touch(process, |process, now| process.circuit.end_trial(passes, now));
            }
            Action::Command(index, kind) => {
                world.events -= 1;
                world.force(index, kind);
            }
            Action::Restart(index) => {
                world.faults -= 1;
                world.restart(index);
            }
            Action::Flush => {
                world.faults -= 1;
                world.flush();
            }
            Action::FailOver => {
                world.faults -= 1;
                world.fail_over();
            }
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("a token is never used twice", |_, world: &World| {
                let tokens: Vec<_> =
                    world.processes.iter().filter_map(|process| process.trial_token).collect();
                let is_unique = |token| tokens.iter().filter(|other| *other == token).count() == 1;
                keeps(world, Rule::TokensAreUnique) && tokens.iter().all(is_unique)
            }),
            Property::always("an epoch has one lease", |_, world| keeps(world, Rule::OneLeaseForEachEpoch)),
            Property::always("epochs grow", |_, world| {
                keeps(world, Rule::EpochsGrow) && keeps(world, Rule::EpochsHaveOneMeaning)
            }),
            Property::always("an old report has no effect", |_, world| {
                keeps(world, Rule::OldReportsHaveNoEffect)
            }),
            Property::always("only the holder of the lease decides", |_, world| {
                keeps(world, Rule::OnlyTheLeaseDecides)
            }),
            Property::always("the word of an operator wins", |_, world| follows(world)),
            Property::always("a fleet without faults agrees in the end", |fleet, world| {
                !fleet.is_followed(world) || continuation::heals(world)
            }),
            // The exploration reaches what it is about.
            Property::sometimes("a lease is granted", |_, world: &World| !world.grants.is_empty()),
        ]
    }
}

impl Fleet {
    const SMALL: Self = Self {
        processes: 2,
        end: 2_000,
        faults: 0,
        events: 2,
        commands: &[],
        mutant: Mutant::None,
        followed: 200,
    };

    /// Returns `true` for a part of all states, the same in each run.
    fn is_followed(&self, world: &World) -> bool {
        let mut hasher = DefaultHasher::new();
        (world.now, world.faults, world.pushes.len(), world.record().version).hash(&mut hasher);
        world.processes.iter().for_each(|process| (&process.circuit, process.epoch).hash(&mut hasher));
        hasher.finish().is_multiple_of(self.followed)
    }

    /// Explores all states within the bounds. Returns the names of the properties that do not hold.
    fn explore(self) -> BTreeSet<&'static str> {
        let start = Instant::now();
        let text = format!("{self:?}");
        let checker = self.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        let broken: BTreeSet<_> = checker
            .discoveries()
            .into_iter()
            .filter(|(name, _)| {
                matches!(checker.discovery_classification(name), DiscoveryClassification::Counterexample)
            })
            .map(|(name, path)| {
                println!("{name}: {:?}", path.clone().into_actions());
                if let Some(last) = path.into_states().last() {
                    println!("{last:?}\nwithout faults: {:?}", continuation::run_on(last));
                }
                name
            })
            .collect();
        println!(
            "{text}: {} states, {} unique, depth {}, {:?}",
            checker.state_count(),
            checker.unique_state_count(),
            checker.max_depth(),
            start.elapsed()
        );
        broken
    }
}

/// The commands that an operator may give.
const COMMANDS: [ForceKind; 3] = [ForceKind::Open, ForceKind::Closed, ForceKind::Release];

const NOTHING: [&str; 0] = [];

#[test]
fn two_processes_share_a_circuit_although_something_fails() {
    assert_eq!(Vec::from_iter(Fleet { faults: 1, end: 600, ..Fleet::SMALL }.explore()), NOTHING);
}

#[test]
fn two_processes_share_a_circuit_although_much_fails() {
    assert_eq!(Vec::from_iter(Fleet { faults: 2, end: 60, ..Fleet::SMALL }.explore()), NOTHING);
}

#[test]
fn two_processes_follow_an_operator_although_something_fails() {
    let fleet = Fleet { faults: 1, end: 400, commands: &COMMANDS, ..Fleet::SMALL };
    assert_eq!(Vec::from_iter(fleet.explore()), NOTHING);
}

#[test]
fn three_processes_share_a_circuit() {
    let fleet = Fleet { processes: 3, end: 500, ..Fleet::SMALL };
    assert_eq!(Vec::from_iter(fleet.explore()), NOTHING);
}

#[test]
fn a_server_without_tokens_is_found() {
    let fleet = Fleet { faults: 1, end: 1_200, mutant: Mutant::NoTokenCheck, ..Fleet::SMALL };
    assert_eq!(Vec::from_iter(fleet.explore()), ["only the holder of the lease decides"]);
}

#[test]
fn a_server_without_epochs_is_found() {
    let fleet = Fleet { faults: 1, end: 700, mutant: Mutant::NoEpochCheck, ..Fleet::SMALL };
    assert_eq!(Vec::from_iter(fleet.explore()), ["an old report has no effect"]);
}

#[test]
fn processes_that_ignore_commands_are_found() {
    let fleet = Fleet { end: 200, commands: &COMMANDS, mutant: Mutant::IgnoredCommands, ..Fleet::SMALL };
    assert!(fleet.explore().contains("the word of an operator wins"));
}

fn keeps(world: &World, rule: Rule) -> bool {
    !world.broken.contains(&rule)
}

/// Returns `true` if each process that has seen the record of the server follows its command, and that is the command
/// given last.
fn follows(world: &World) -> bool {
    let record = world.record();
    let command = record.command_at(world.server_time()).map(|command| command.kind);
    let is_last = world.command.is_none_or(|last| command == lasting(last));
    let knows =
        |process: &&process::Process| process.epoch == record.epoch && process.next_step() > world.now;
    is_last && world.processes.iter().filter(knows).all(|process| World::follows(process, world.now, command))
}

/// Returns the command that stays in the record.
const fn lasting(kind: ForceKind) -> Option<CommandKind> {
    match kind {
        ForceKind::Open => Some(CommandKind::Open),
        ForceKind::Disabled => Some(CommandKind::Disabled),
        ForceKind::Closed | ForceKind::Release => None,
    }
}
