//! Commands to a small fleet: that they have an effect on every process, whatever its circuit does, and that a confirmed
//! one stays.

use breaker_fleet_tests::local_circuit::{LocalCircuit, LocalSettings};
use breaker_fleet_tests::small_fleet::SmallFleet;
use breaker_runtime::fleet::coordinator::LocalState;
use breaker_runtime::fleet::protocol::{ForceKind, Policy};

const SETTINGS: LocalSettings = LocalSettings { policy: Policy::Quorum, recovery: 30_000, lease: 10_000 };

fn fleet() -> SmallFleet {
    SmallFleet::new(2, &["a"], &SETTINGS)
}

#[test]
fn a_confirmed_release_stays_although_the_server_has_lost_its_data() {
    let mut fleet = fleet();
    fleet.command(0, "a", ForceKind::Open);
    fleet.run(2_000);
    assert_eq!(fleet.states("a"), [LocalState::ForcedOpen; 2]);
    fleet.server.flush();
    fleet.command(0, "a", ForceKind::Release);
    fleet.run(10_000);
    assert_eq!((fleet.states("a"), fleet.record("a").command), (vec![LocalState::Closed; 2], None));
}

#[test]
fn an_operator_closes_a_circuit_that_a_process_opened_by_itself_and_that_is_half_open() {
    let mut fleet = fleet();
    fleet.change(0, "a", LocalCircuit::trip);
    fleet.run(31_000);
    fleet.change(0, "a", LocalCircuit::call);
    assert_eq!(fleet.states("a"), [LocalState::HalfOpen, LocalState::Closed]);
    fleet.command(1, "a", ForceKind::Closed);
    fleet.run(2_000);
    assert_eq!(fleet.states("a"), [LocalState::Closed; 2]);
}
