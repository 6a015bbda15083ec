//! Redis as the store of a fleet. No type of the crate `redis` leaves this module.
//!
//! A user of the server can be limited to the keys `~cb1:*`, the channels `&cb1:*`, and the commands `evalsha`, `eval`,
//! `time`, `hget`, `hmget`, `hset`, `hsetnx`, `hdel`, `zadd`, `zcard`, `zcount`, `zscore`, `zrem`, `zremrangebyscore`,
//! `zrangebyscore`, `zrevrangebyscore` and `publish`. It should also have `hello` and `subscribe` for messages, `role`
//! to detect replicas, and `info` to detect other servers; without them everything works, but slower.
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

mod error;
mod tls;
mod address;
mod connection;
mod sentinel;
mod server;
mod script;
mod reply;
mod store;

pub(super) use address::{AddressError, StoreAddress};
pub(super) use store::RedisStore;
