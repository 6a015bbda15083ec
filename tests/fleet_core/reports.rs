//! The votes and dissents of a small fleet: that each of them reaches the server, counts as long as it is true, and
//! costs few exchanges.
#![expect(clippy::indexing_slicing, reason = "a test may fail")]

use breaker_fleet_tests::local_circuit::{LocalCircuit, LocalSettings};
use breaker_fleet_tests::small_fleet::{SmallFleet, instance};
use breaker_runtime::fleet::coordinator::Evidence;
use breaker_runtime::fleet::protocol::{Policy, RecordState, SharedName, SharedRecord};

const SETTINGS: LocalSettings = LocalSettings { policy: Policy::Quorum, recovery: 30_000, lease: 10_000 };

/// The circuits. The name of the one whose vote is withdrawn comes first.
const CIRCUITS: [&str; 3] = ["a", "b", "c"];

fn fleet(processes: usize) -> SmallFleet {
    SmallFleet::new(processes, &CIRCUITS, &SETTINGS)
}

fn trip(circuit: &mut LocalCircuit, now: u64) {
    circuit.trip(now);
}

/// Lets both processes vote for the last two circuits, and checks that few exchanges open them.
fn votes_for_others_arrive(mut fleet: SmallFleet) {
    let before = fleet.processes[0].exchanges;
    for index in 0..2 {
        fleet.change(index, "b", trip);
        fleet.change(index, "c", trip);
    }
    fleet.run(3_000);
    let exchanges = fleet.processes[0].exchanges - before;
    assert_eq!(["b", "c"].map(|name| fleet.record(name).state), [RecordState::Open; 2]);
    assert!(exchanges < 10, "{exchanges} exchanges in 3 seconds");
    assert_eq!(fleet.record("a").votes, [], "it is withdrawn");
}

#[test]
fn a_process_votes_for_other_circuits_after_a_withdrawal_that_was_lost() {
    let mut fleet = fleet(2);
    fleet.change(0, "a", trip);
    fleet.run(2_000);
    assert_eq!(fleet.record("a").votes, [instance(0)]);
    fleet.processes[0].is_cut_off = true;
    fleet.change(0, "a", |circuit, _| circuit.close());
    fleet.run(1_300);
    fleet.processes[0].is_cut_off = false;
    fleet.run(3_000);
    votes_for_others_arrive(fleet);
}

#[test]
fn a_process_votes_for_other_circuits_after_it_has_looked_at_one_whose_vote_is_withdrawn() {
    let mut fleet = fleet(2);
    fleet.change(0, "a", trip);
    fleet.run(2_000);
    fleet.processes[0].is_slow = true;
    fleet.change(0, "a", |circuit, _| circuit.close());
    fleet.run(1_300);
    fleet.change(0, "a", |_, _| {});
    fleet.answer(0);
    fleet.run(3_000);
    votes_for_others_arrive(fleet);
}

#[test]
fn votes_open_a_circuit_when_fewer_are_needed_because_processes_have_left() {
    let mut fleet = fleet(21);
    fleet.change(0, "a", trip);
    fleet.change(1, "a", trip);
    fleet.run(3_000);
    assert_eq!((fleet.record("a").state, fleet.record("a").votes.len()), (RecordState::Closed, 2));
    (11..21).for_each(|index| fleet.leave(index));
    fleet.run(3_000);
    assert_eq!(fleet.record("a").state, RecordState::Open, "2 of 11 are enough");
}

#[test]
fn a_vote_opens_a_circuit_when_the_settings_of_its_process_need_no_other() {
    let mut fleet = fleet(2);
    fleet.change(0, "a", trip);
    fleet.run(3_000);
    assert_eq!(fleet.record("a").state, RecordState::Closed);
    fleet.change(0, "a", |circuit, _| circuit.set_policy(Policy::First));
    fleet.run(3_000);
    assert_eq!(fleet.record("a").state, RecordState::Open);
}

#[test]
fn one_vote_of_a_large_fleet_opens_nothing_while_processes_connect_again_after_an_outage() {
    let mut fleet = fleet(8);
    fleet.change(0, "a", trip);
    fleet.run(3_000);
    assert_eq!(fleet.record("a").votes, [instance(0)]);
    fleet.processes.iter_mut().for_each(|process| process.is_cut_off = true);
    fleet.run(10_000);
    fleet.processes[0].is_cut_off = false;
    fleet.run(5_000);
    assert_eq!(fleet.record("a").state, RecordState::Closed);
    fleet.processes.iter_mut().for_each(|process| process.is_cut_off = false);
    fleet.run(10_000);
    assert_eq!((fleet.record("a").state, fleet.record("a").votes), (RecordState::Closed, vec![instance(0)]));
}

#[test]
fn a_vote_that_opens_nothing_is_sent_once() {
    let mut fleet = fleet(2);
    let before = fleet.processes[0].clone();
    fleet.change(0, "a", trip);
    fleet.run(10_000);
    let exchanges = fleet.processes[0].exchanges - before.exchanges;
    assert_eq!(fleet.processes[0].votes - before.votes, 1);
    assert!(exchanges < 20, "{exchanges}");
}

#[test]
fn a_vote_that_the_server_ignores_is_sent_again_with_the_regular_exchanges_only() {
    let mut fleet = fleet(2);
    // The record of a later epoch, which the process has not received.
    let hidden = SharedRecord { epoch: 2_000_000_000, ..SharedRecord::closed() };
    fleet.server.overwrite(SharedName::new("a", None), &hidden.to_string());
    let before = fleet.processes[0].exchanges;
    fleet.change(0, "a", trip);
    fleet.run(10_000);
    let exchanges = fleet.processes[0].exchanges - before;
    assert!(exchanges < 20, "{exchanges} exchanges in 10 seconds");
}

#[test]
fn the_votes_and_dissents_of_a_process_that_leaves_or_dies_end() {
    for has_time_to_leave in [true, false] {
        let mut fleet = fleet(3);
        fleet.change(0, "a", trip);
        fleet.change(0, "b", |circuit, _| circuit.set_evidence(Evidence::Healthy));
        (1..3).for_each(|index| fleet.change(index, "b", trip));
        fleet.run(2_000);
        assert_eq!(
            (fleet.record("a").votes, fleet.record("b").dissents),
            (vec![instance(0)], vec![instance(0)])
        );
        if has_time_to_leave {
            fleet.leave(0);
        } else {
            fleet.processes[0].is_dead = true;
            fleet.run(10_000);
        }
        assert_eq!((fleet.record("a").votes, fleet.record("b").dissents), (Vec::new(), Vec::new()));
        assert_eq!(fleet.record("b").votes.len(), 2, "they have opened it");
    }
}
