//! Models of what a fleet consists of, besides its coordinators: the server, and the circuits of a process.

pub mod ledger;
pub mod local_circuit;
pub mod small_fleet;
