//! Circuits that the processes of a fleet share (feature `redis`).

#[doc(hidden)]
pub mod protocol;
mod store;
mod redis;
