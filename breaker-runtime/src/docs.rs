//! Documentation pages. This module contains no code.

// A compile error names an item without a path if a visible module exports it.
#[doc(hidden)]
pub use crate::__private::*;

#[doc = include_str!("docs/architecture.md")]
pub mod architecture {}

#[doc = include_str!("docs/performance.md")]
pub mod performance {}
