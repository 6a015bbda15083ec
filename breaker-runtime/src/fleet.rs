//! Circuits that the processes of a fleet share (feature `redis`).

#[doc(hidden)]
pub mod coordinator;
#[doc(hidden)]
pub mod protocol;
mod redis;
mod store;

#[doc(hidden)]
pub use redis::{ProbeError, StoreProbe};
pub use store::StoreErrorKind;
