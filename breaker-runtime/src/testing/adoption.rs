//! The decisions of a fleet, for tests of the circuits that follow them. Users have no need of it: the feature `redis`
//! makes these decisions.

use std::sync::Arc;
use std::time::Duration;

use crate::breaker::CircuitBreaker;
use crate::state::Adoption;

/// Opens a closed or half-open circuit as the fleet does.
pub fn fleet_opens(breaker: &CircuitBreaker, wait: Duration, rounds: u32, reason: &str) {
    adopt(breaker, Adoption::Open { wait, rounds, reason: Some(Arc::from(reason)) });
}

/// Closes an open or half-open circuit as the fleet does.
pub fn fleet_closes(breaker: &CircuitBreaker) {
    adopt(breaker, Adoption::Close);
}

/// Closes a circuit as the fleet does when an operator has closed that of the fleet.
pub fn fleet_force_closes(breaker: &CircuitBreaker, initiator: &str) {
    adopt(breaker, Adoption::ForceClose { initiator: Arc::from(initiator) });
}

/// Makes an open circuit half-open, with this number of trial calls in all.
pub fn fleet_grants(breaker: &CircuitBreaker, calls: u32, rounds: u32) {
    adopt(breaker, Adoption::Trial { calls, rounds });
}

/// Moves the end of the open time, if the circuit is open in this generation.
pub fn fleet_holds(breaker: &CircuitBreaker, generation: u64, wait: Duration) {
    adopt(breaker, Adoption::Hold { generation, wait });
}

fn adopt(breaker: &CircuitBreaker, adoption: Adoption) {
    let circuit = breaker.circuit();
    circuit.announce(circuit.adopt(adoption));
}
