//! Pages for readers. There is no code in here.

#[doc = include_str!("docs/internals.md")]
pub mod internals {}
#[doc = include_str!("docs/performance.md")]
pub mod performance {}
