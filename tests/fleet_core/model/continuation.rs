//! What becomes of a state if nothing fails any more.

use breaker_runtime::fleet::protocol::RecordState;

use super::fault::Fate;
use super::world::World;

/// The time after which a fleet without faults must agree, in milliseconds: leases have ended, dead processes are
/// forgotten, and each process has had several ticks.
const HEALING: u64 = 15_000;

/// Returns `true` if all processes and the server agree in the end.
pub(crate) fn heals(state: &World) -> bool {
    agrees(&run_on(state))
}

/// Runs without faults: the dependency works, and every process has calls.
pub(crate) fn run_on(state: &World) -> World {
    let mut world = state.clone();
    let end = world.now + HEALING;
    world.late.clear();
    while !world.pushes.is_empty() {
        world.deliver(0);
    }
    while world.now < end {
        for index in 0..world.processes.len() {
            run(&mut world, index);
        }
        world.advance();
    }
    world
}

/// Lets one process do all that it can do now.
fn run(world: &mut World, index: usize) {
    let is_half_open =
        |world: &World| world.processes.get(index).is_some_and(|process| process.circuit.is_half_open());
    let is_due =
        |world: &World| world.processes.get(index).is_some_and(|process| process.next_step() <= world.now);
    let has_request =
        |world: &World| world.processes.get(index).is_some_and(|process| process.request.is_some());
    world.answer(index);
    loop {
        if is_half_open(world) {
            world.touch(index, |process, now| process.circuit.end_trial(true, now));
        } else if has_request(world) {
            world.exchange(index, Fate::Arrives);
        } else if is_due(world) {
            world.tick(index);
        } else {
            return;
        }
    }
}

fn agrees(world: &World) -> bool {
    let record = world.record();
    let command = record.command.as_ref().map(|command| command.kind);
    let is_closed = command.is_some() || record.state == RecordState::Closed;
    is_closed
        && world.processes.iter().all(|process| {
            World::follows(process, world.now, command) && (command.is_some() || process.circuit.is_closed())
        })
}
