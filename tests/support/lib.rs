//! Code that several tests share. It includes README.md as well, so that the quickstart is compiled and run.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

pub mod dependent_crate;
#[cfg(feature = "integrations")]
pub mod fleet_processes;
#[cfg(feature = "integrations")]
pub mod ledger;
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
