//! What several tests need. The README is here too, so that its quickstart compiles and runs.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

pub mod neighbour;
pub mod programs;
