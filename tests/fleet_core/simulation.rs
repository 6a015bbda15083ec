//! Simulates fleets of up to 10,000 processes with the real coordinator, and the model of the server's script. Packets
//! are lost, delayed and doubled, clocks drift, and processes are cut off and restarted. A run depends on its seed alone.
//!
//! | file | contents |
//! |---|---|
//! | `world.rs` | the server, the processes, and their dependencies |
//! | `peer.rs` | one process, and its clock |
//! | `network.rs` | the network between them |
//! | `queue.rs` | the events, in the order of their times |
//! | `watch.rs` | when each process has reached a state |

#![expect(clippy::print_stdout, reason = "the run states how much it covers")]

#[path = "simulation/network.rs"]
mod network;
#[path = "simulation/peer.rs"]
mod peer;
#[path = "simulation/queue.rs"]
mod queue;
#[path = "simulation/watch.rs"]
mod watch;
#[path = "simulation/world.rs"]
mod world;

use std::time::Instant;

use breaker_fleet_tests::ledger::Ledger;
use breaker_runtime::fleet::protocol::{ForceKind, RecordState};

use network::Quality;
use watch::{Goal, Times};
use world::{Counts, RECOVERY, Sufferer, World, name, tick, two_ticks};

const PROCESSES: usize = 10_000;
const BREAKERS: usize = 1_000;
/// Number of records that the server returns at once.
const LIMIT: usize = 500;
const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;

/// A row of the table: how long a change took to reach all processes.
struct Row {
    label: &'static str,
    times: Times,
    counts: Counts,
    seconds: u64,
}

/// Runs scenarios on one fleet, and prints what they cost.
struct Stage {
    world: World,
    processes: usize,
    rows: Vec<Row>,
}

impl Stage {
    fn new(seed: u64, processes: usize, quality: Quality) -> Self {
        let mut world = World::new(seed, processes, quality, Ledger::new(LIMIT));
        world.run(10 * SECOND + two_ticks(processes));
        Self { world, processes, rows: Vec::new() }
    }

    /// Lets some milliseconds pass after a change, and returns how long it took to reach all processes.
    fn measure(&mut self, label: &'static str, millis: u64) -> (Times, Counts) {
        let before = self.world.counts;
        self.world.run(millis);
        let (times, counts) = (self.world.times(self.processes), self.world.counts.since(before));
        self.rows.push(Row { label, times, counts, seconds: millis / 1000 });
        (times, counts)
    }

    fn print(&self, title: &str, start: Instant) {
        println!("\n{title}; milliseconds until a process has followed");
        println!(
            "{:<44} {:>8} {:>8} {:>8} {:>8} {:>7} {:>7} {:>9}",
            "", "median", "p99", "max", "missing", "leases", "trials", "calls/s"
        );
        for Row { label, times, counts, seconds } in &self.rows {
            let rate = counts.executed / seconds.max(&1);
            println!("{label:<44} {times} {:>7} {:>7} {rate:>9}", counts.granted, counts.trials);
        }
        println!("{:?}", self.world.network.faults);
        println!("{} events, hash {:016x}, {:.1?}", self.world.events(), self.world.hash(), start.elapsed());
    }
}

impl Counts {
    fn since(self, before: Self) -> Self {
        Self {
            executed: self.executed - before.executed,
            stale: self.stale - before.stale,
            granted: self.granted - before.granted,
            trials: self.trials - before.trials,
            unfenced: self.unfenced - before.unfenced,
            late_verdicts: self.late_verdicts - before.late_verdicts,
        }
    }
}

#[test]
fn ten_thousand_processes_follow_one_another() {
    let start = Instant::now();
    let mut stage = Stage::new(1, PROCESSES, Quality::USUAL);
    // Each process shares all breakers. Some of them have trouble in one process, which the fleet does not follow.
    for breaker in 0..BREAKERS / 10 {
        stage.world.break_down(100 + breaker, Sufferer::One(breaker * 7));
    }
    let (_, counts) = stage.measure("steady", MINUTE / 2);
    assert!(counts.executed / 30 < 1_300, "{counts:?}");
    for breaker in 0..BREAKERS / 10 {
        stage.world.repair(100 + breaker);
    }
    stage.world.run(RECOVERY + two_ticks(PROCESSES));
    a_dependency_fails_and_recovers(&mut stage);
    a_command_reaches_all(&mut stage);
    a_third_is_cut_off(&mut stage);
    processes_start(&mut stage);
    the_store_is_away(&mut stage);
    stage.print("10,000 processes, 1,000 breakers", start);
    let faults = stage.world.network.faults;
    assert!(faults.lost > 0 && faults.slow > 0 && faults.doubled > 0 && faults.cut_off > 0, "{faults:?}");
    assert_eq!(stage.world.counts.unfenced, 0);
}

fn a_dependency_fails_and_recovers(stage: &mut Stage) {
    stage.world.watch(0, Goal::Open);
    stage.world.break_down(0, Sufferer::All);
    let (times, _) = stage.measure("a dependency fails: open", 9 * SECOND);
    assert!(times.missing == 0 && times.median < SECOND && times.max < two_ticks(PROCESSES), "{times:?}");
    let (_, counts) = stage.measure("a minute of trial calls, which fail", MINUTE);
    assert!(counts.granted >= 4 && counts.granted <= 7, "{counts:?}");
    assert!(counts.trials <= counts.granted + 1, "{counts:?}");
    stage.world.repair(0);
    stage.world.watch(0, Goal::Closed);
    let (times, _) = stage.measure("the dependency works again: closed", RECOVERY + two_ticks(PROCESSES));
    assert!(times.missing == 0, "{times:?}");
}

fn a_command_reaches_all(stage: &mut Stage) {
    stage.world.watch(1, Goal::ForcedOpen);
    stage.world.command(17, 1, ForceKind::Open);
    let (times, _) = stage.measure("a command", two_ticks(PROCESSES));
    assert!(times.missing == 0 && times.median < SECOND, "{times:?}");
    stage.world.watch(1, Goal::Closed);
    stage.world.command(4711, 1, ForceKind::Release);
    let (times, _) = stage.measure("its release", two_ticks(PROCESSES));
    assert_eq!(times.missing, 0, "{times:?}");
}

fn a_third_is_cut_off(stage: &mut Stage) {
    let connected = PROCESSES * 2 / 3;
    stage.world.network.cut_from = connected;
    stage.world.run(MINUTE / 2);
    stage.world.watch(2, Goal::ForcedOpen);
    stage.world.command(17, 2, ForceKind::Open);
    let (times, _) = stage.measure("a command, while a third is cut off", MINUTE / 2);
    assert_eq!(times.missing, PROCESSES - connected, "{times:?}");
    assert_eq!(stage.world.times(connected).missing, 0);
    stage.world.network.cut_from = usize::MAX;
    stage.world.watch(2, Goal::ForcedOpen);
    let (times, _) = stage.measure("the third is back", two_ticks(PROCESSES));
    assert_eq!(times.missing, 0, "{times:?}");
    stage.world.command(17, 2, ForceKind::Release);
    stage.world.run(two_ticks(PROCESSES));
}

fn processes_start(stage: &mut Stage) {
    stage.world.break_down(3, Sufferer::All);
    stage.world.run(2 * SECOND);
    let epoch =
        |stage: &Stage| stage.world.ledger.record(&name(3)).map(|record| (record.state, record.epoch));
    let before = epoch(stage);
    assert!(before.is_some_and(|(state, _)| state == RecordState::Open));
    for process in (0..100).chain(PROCESSES..PROCESSES + 100) {
        stage.world.start(process);
    }
    stage.world.watch(3, Goal::Open);
    let (times, _) = stage.measure("200 processes start: open", 5 * SECOND);
    assert_eq!((times.missing, epoch(stage)), (0, before), "they follow, and change nothing");
    stage.world.repair(3);
    stage.world.run(RECOVERY + two_ticks(PROCESSES));
}

fn the_store_is_away(stage: &mut Stage) {
    stage.world.watch(4, Goal::ForcedOpen);
    stage.world.command(17, 4, ForceKind::Open);
    stage.world.run(two_ticks(PROCESSES));
    assert_eq!(stage.world.times(PROCESSES).missing, 0);
    stage.world.network.cut_from = 0;
    stage.world.run(MINUTE / 2);
    // The dependency fails while the store is away: each process protects itself.
    stage.world.watch(5, Goal::Open);
    stage.world.break_down(5, Sufferer::All);
    let (times, _) = stage.measure("the store is away: each opens by itself", 5 * SECOND);
    assert!(times.missing == 0 && times.max <= SECOND, "{times:?}");
    stage.world.repair(5);
    stage.world.run(MINUTE / 2);
    stage.world.lose_data();
    stage.world.network.cut_from = usize::MAX;
    stage.world.watch(4, Goal::ForcedOpen);
    let (times, _) = stage.measure("the store is back without data", 2 * two_ticks(PROCESSES));
    assert_eq!(times.missing, 0, "{times:?}");
    let command = stage.world.ledger.record(&name(4)).and_then(|record| record.command);
    assert!(command.is_some(), "the command is restored");
    stage.world.watch(5, Goal::Closed);
    stage.world.run(RECOVERY + two_ticks(PROCESSES));
    assert_eq!(stage.world.times(PROCESSES).missing, 0);
}

#[test]
fn all_dependencies_of_a_fleet_fail_at_once() {
    const FEW: usize = 50;
    const BREAKERS: usize = 200;
    let start = Instant::now();
    let mut stage = Stage::new(2, FEW, Quality::USUAL);
    stage.world.watch(BREAKERS - 1, Goal::Open);
    for breaker in 0..BREAKERS {
        stage.world.break_down(breaker, Sufferer::All);
    }
    let (times, _) = stage.measure("all dependencies fail: the last is open", 9 * SECOND);
    assert!(times.missing == 0 && times.max < two_ticks(FEW), "{times:?}");
    for breaker in 0..BREAKERS {
        stage.world.repair(breaker);
    }
    stage.world.watch(BREAKERS - 1, Goal::Closed);
    let (times, _) = stage.measure("all work again: the last is closed", RECOVERY + 5 * two_ticks(FEW));
    assert_eq!(times.missing, 0, "{times:?}");
    stage.print("50 processes, 200 breakers", start);
}

#[test]
fn one_bad_process_of_eight_opens_no_other() {
    let mut stage = Stage::new(3, 8, Quality::USUAL);
    stage.world.watch(0, Goal::Open);
    stage.world.break_down(0, Sufferer::One(5));
    let (times, _) = stage.measure("one bad process", 2 * MINUTE);
    assert!(times.missing >= 7, "{times:?}");
    assert!(stage.world.ledger.record(&name(0)).is_some_and(|record| record.state == RecordState::Closed));
}

/// Runs a small fleet with a bad network, whose trial calls may take as long as their leases.
fn run_badly(seed: u64, ledger: Ledger) -> World {
    const FEW: usize = 100;
    let mut world = World::new(seed, FEW, Quality::BAD, ledger);
    world.slow_down_trials();
    world.run(10 * SECOND + two_ticks(FEW));
    for _ in 0..4 {
        for breaker in 0..10 {
            world.break_down(breaker, Sufferer::All);
        }
        world.run(MINUTE);
        for breaker in 0..10 {
            world.repair(breaker);
        }
        world.run(MINUTE);
    }
    world
}

#[test]
fn a_late_verdict_has_no_effect() {
    let world = run_badly(1, Ledger::new(LIMIT));
    assert!(world.counts.late_verdicts > 0 && world.counts.stale > 0, "{:?}", world.counts);
    assert_eq!(world.counts.unfenced, 0);
    let broken = run_badly(1, Ledger::without_fencing(LIMIT));
    assert!(broken.counts.unfenced > 0, "a server without tokens is not noticed: {:?}", broken.counts);
}

#[test]
fn a_seed_determines_all_events() {
    let hashes = [1, 1, 2].map(|seed| run_badly(seed, Ledger::new(LIMIT)).hash());
    let [first, again, other] = hashes;
    assert!(first == again && first != other, "{hashes:x?}");
}

#[test]
fn a_perfect_network_has_no_faults() {
    let stage = Stage::new(1, 50, Quality::PERFECT);
    let faults = stage.world.network.faults;
    assert_eq!((faults.lost, faults.slow, faults.doubled, faults.cut_off), (0, 0, 0, 0));
    assert_eq!(tick(50), SECOND);
}
