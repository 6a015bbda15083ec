//! Documentation pages. This module contains no code.

#[doc = include_str!("docs/architecture.md")]
pub mod architecture {}

#[doc = include_str!("docs/performance.md")]
pub mod performance {}
