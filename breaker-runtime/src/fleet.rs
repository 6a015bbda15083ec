//! Circuits that the processes of an application share through Redis (feature `redis`).
//!
//! A circuit of one process protects that process: it opens by what the process itself sees. A *shared* circuit
//! protects the dependency: all processes open together, and when it recovers, one process at a time makes trial calls.
//!
//! ```no_run
//! use breaker_runtime::{BreakerError, circuit_breaker, fleet};
//!
//! #[circuit_breaker(name = "payment", shared = "quorum")]
//! async fn price(sku: &str) -> Result<u64, BreakerError> {
//!     Ok(sku.len() as u64) // the real call
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let fleet = fleet::connect("redis://127.0.0.1:6379", "shop")?;
//! price("tea").await?;
//! fleet.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//!
//! No call waits for Redis: the circuit of the process decides, as without a fleet. One task per process exchanges with
//! Redis once per second, and at once when a circuit opens or when trial calls have ended.
//!
//! - **Opening.** A process whose circuit opens by its own rules votes. When enough processes have voted (`quorum`: a
//!   tenth of them, at least 2, at most 10 and no more than exist; `first`: one), the circuit opens in all processes. A
//!   process whose own calls succeed does not follow, unless the circuit has `adopt = "always"`: it reports a
//!   *dissent*. So one bad node opens no other one, and a healthy node is not stopped by others.
//! - **Recovering.** When an open circuit is due, a process that has rejected a call asks for a *lease*. One process
//!   gets it, and admits `half_open_max_calls` trial calls; their result closes the circuit everywhere, or keeps it
//!   open for the next round. A lease that ends without a result goes to the next process that asks.
//! - **Commands.** An [operator](Fleet::operator) opens, disables, closes or releases the circuit of all processes.
//! - **Without Redis,** each process goes on alone: its open circuits recover by trial calls of its own, spread over
//!   their open time. When Redis is back, the processes follow it again. Lost data is restored by the processes.
//!
//! A process that joins adopts the state of the fleet at its first exchange, and never resets it.
//!
//! # Redis
//!
//! Redis 6.2 or newer, or a server that is compatible with it; only Redis 7.0 is tested. The
//! [guide](crate::docs::fleet#redis) has the settings of the server, the names of the keys, the permissions that a user
//! needs, the limits, and what happens when Redis fails.
//!
//! With TLS (feature `redis-tls`, URL `rediss://`), certificates are checked against those of the system, or of the
//! file in `SSL_CERT_FILE`. The process must choose a crypto provider of rustls at the start of `main`:
//! `rustls::crypto::ring::default_provider().install_default()`, or that of another one. Without a choice, also if one
//! or several providers are linked, connecting fails with an error of the kind [`StoreErrorKind::Tls`] that says so,
//! and the circuits act in this process only.

mod agent;
mod changes;
mod circuits;
mod connection;
#[doc(hidden)]
pub mod coordinator;
mod description;
mod error;
mod evidence;
mod fleet_clock;
mod membership;
mod operator;
mod order;
#[doc(hidden)]
pub mod protocol;
mod redis;
mod status;
mod store;

pub use connection::{Fleet, FleetBuilder, connect};
pub use error::FleetError;
pub use membership::{commander, status};
pub use operator::{FleetCommander, FleetOperator};
#[doc(hidden)]
pub use redis::{ProbeError, StoreProbe};
pub use status::{FleetCommand, FleetReports, FleetStatus, SharedCircuit, StoreErrors};
pub use store::StoreErrorKind;
