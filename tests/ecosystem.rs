//! breaker together with the crates that its users have: tower, hyper, tonic, reqwest, governor, backon and others, with
//! real servers on loopback.
//!
//! | file | contents |
//! |---|---|
//! | `database.rs` | rusqlite in sync functions, a pool of deadpool in async ones |
//! | `http.rs` | outcomes of statuses and `Retry-After` with reqwest, rejections as responses of axum |
//! | `composition.rs` | rate limit, timeout, breaker, retry, bulkhead and fallback in every order |

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose preconditions fail has failed"
)]

#[path = "ecosystem/database.rs"]
mod database;
#[path = "ecosystem/http.rs"]
mod http;
#[path = "ecosystem/composition.rs"]
mod composition;
