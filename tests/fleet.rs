//! Fleets of processes that share circuits through real Redis servers, also while these fail.
//!
//! | file | contents |
//! |---|---|
//! | `process.rs` | processes, and waiting for what they see |
//! | `traffic.rs` | calls that must never wait |
//! | `fault_proxy.rs` | a proxy that holds, delays and cuts connections |
//! | `decisions.rs` | what the processes decide together |
//! | `outages.rs` | servers that are away, silent or slow |

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
#[path = "fleet/outages.rs"]
mod outages;
#[path = "fleet/process.rs"]
mod process;
#[path = "fleet/traffic.rs"]
mod traffic;
