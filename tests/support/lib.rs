//! Code that several tests share. It includes README.md as well, so that the quickstart is compiled and run.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

pub mod dependent_crate;
#[cfg(feature = "integrations")]
pub mod fleet_processes;
pub mod programs;
#[cfg(feature = "integrations")]
#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a test fails there if its set-up does"
)]
pub mod redis_server;
pub mod waiting;

/// The model of the script that the processes of a fleet execute on Redis.
#[cfg(feature = "integrations")]
pub use breaker_fleet_tests::ledger;
