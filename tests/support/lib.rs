//! Code that several tests share. It includes README.md as well, so that the quickstart is compiled and run.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

pub mod dependent_crate;
pub mod programs;
#[cfg(feature = "integrations")]
pub mod redis_server;

/// The model of the script that the processes of a fleet execute on Redis.
#[cfg(feature = "integrations")]
pub use breaker_fleet_tests::ledger;
