//! Redis as the store of a fleet. No type of the crate `redis` leaves this module.
//!
//! | file | contents |
//! |---|---|
//! | `address.rs` | where the store is |
//! | `error.rs` | what an error means, and what to do about it |
//! | `tls.rs` | whether connections can use TLS |
//! | `connection.rs` | a connection, and the messages that arrive on it |
//! | `sentinel.rs` | finds the master |
//! | `server.rs` | what is found out about a server |
//! | `script.rs`, `common.lua`, `sync.lua`, `read.lua` | the scripts |
//! | `reply.rs` | reads the answer of a script |
//! | `store.rs` | the store |
//! | `probe.rs` | the store, for tests outside of the crate |

#![expect(clippy::wildcard_enum_match_arm, reason = "the enums of the client are large, and grow")]

mod error;
mod tls;
mod address;
mod connection;
mod sentinel;
mod server;
mod script;
mod reply;
mod store;
mod probe;

pub(super) use address::StoreAddress;
pub use probe::{ProbeError, StoreProbe};
pub(super) use store::RedisStore;
