//! Fleets of processes that share circuits through real Redis servers, also while these fail.
//!
//! | file | contents |
//! |---|---|
//! | `process.rs` | processes, and waiting for what they see |
//! | `traffic.rs` | calls that must never wait |
//! | `fault_proxy.rs` | a proxy that holds, delays and cuts connections |
//! | `decisions.rs` | what the processes decide together |
//! | `operators.rs` | commands to all processes |
//! | `joining.rs` | how a process joins and leaves, and servers that it cannot use |
//! | `listeners.rs` | listeners of a program that hang |
//! | `outages.rs` | servers that are away, silent or slow |
//! | `data.rs` | servers that lose data, refuse to write, change their role, or are busy |
//! | `strangers.rs` | other programs that write to the namespace |
//! | `names.rs` | strange names |
//! | `unannounced.rs` | open circuits, callers and processes that no change of a state announces |

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose preconditions fail has failed"
)]

#[path = "fleet/data.rs"]
mod data;
#[path = "fleet/decisions.rs"]
mod decisions;
#[path = "fleet/fault_proxy.rs"]
mod fault_proxy;
#[path = "fleet/joining.rs"]
mod joining;
#[path = "fleet/listeners.rs"]
mod listeners;
#[path = "fleet/names.rs"]
mod names;
#[path = "fleet/operators.rs"]
mod operators;
#[path = "fleet/outages.rs"]
mod outages;
#[path = "fleet/process.rs"]
mod process;
#[path = "fleet/strangers.rs"]
mod strangers;
#[path = "fleet/traffic.rs"]
mod traffic;
#[path = "fleet/unannounced.rs"]
mod unannounced;
