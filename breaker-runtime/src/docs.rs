//! Documentation pages.

mod error_names;

#[doc(hidden)]
pub use error_names::*;

#[doc = include_str!("docs/architecture.md")]
pub mod architecture {}

#[doc = include_str!("docs/composition.md")]
pub mod composition {}

#[doc = include_str!("docs/fleet.md")]
pub mod fleet {}

// The first definition of a link counts: here the picture itself, since rustdoc copies no files.
#[doc = include_str!("docs/growth.link")]
#[doc = include_str!("docs/performance.md")]
pub mod performance {}
