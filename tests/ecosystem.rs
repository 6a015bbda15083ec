//! breaker together with the crates that its users have: tower, hyper, tonic, reqwest, governor, backon and others, with
//! real servers on loopback.
//!
//! | file | contents |
//! |---|---|
//! | `queue_support.rs` | what the tests of queues share |
//! | `queue_adding.rs` | adding items to a queue for rejected calls |
//! | `queue_delivery.rs` | delivering them |
//! | `queue_cancellation.rs` | pushes and drains that are dropped |
//! | `queue_failures.rs` | stores that fail, in memory and in SQLite files |
//! | `../examples/queue/store.rs` | the store of the example |
//! | `database.rs` | rusqlite in sync functions, a pool of deadpool in async ones |
//! | `http.rs` | outcomes of statuses and `Retry-After` with reqwest, rejections as responses of axum |
//! | `composition.rs` | rate limit, timeout, breaker, retry, bulkhead and fallback in every order |

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose preconditions fail has failed"
)]

#[path = "ecosystem/queue_adding.rs"]
mod queue_adding;
#[path = "ecosystem/queue_cancellation.rs"]
mod queue_cancellation;
#[path = "ecosystem/queue_delivery.rs"]
mod queue_delivery;
#[path = "ecosystem/queue_failures.rs"]
mod queue_failures;
#[path = "ecosystem/queue_support.rs"]
mod queue_support;
#[path = "../examples/queue/store.rs"]
mod sqlite_store;
#[path = "ecosystem/database.rs"]
mod database;
#[path = "ecosystem/http.rs"]
mod http;
#[path = "ecosystem/composition.rs"]
mod composition;
