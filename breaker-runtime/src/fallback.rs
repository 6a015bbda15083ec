//! Strategies for the result of a call that is rejected or fails.

mod maybe_stale;
pub(crate) mod store;

pub use maybe_stale::MaybeStale;
