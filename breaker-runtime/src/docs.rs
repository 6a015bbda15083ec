//! Pages for readers. There is no code in here.

#[doc = include_str!("docs/internals.md")]
pub mod internals {}
