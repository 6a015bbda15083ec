//! breaker together with the crates that its users have: tower, hyper, tonic, reqwest, governor, backon and others, with
//! real servers on loopback.
//!
//! | file | contents |
//! |---|---|
//! | `scripted_stream.rs` | a stream that follows a script, for the tests of streams |
//! | `streams.rs` | `guard_stream` |
//! | `streams_of_functions.rs` | `settle = stream` |
//! | `streams_over_http.rs` | `settle = stream` with a real server |

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose preconditions fail has failed"
)]

#[path = "ecosystem/scripted_stream.rs"]
mod scripted_stream;
#[path = "ecosystem/streams.rs"]
mod streams;
#[path = "ecosystem/streams_of_functions.rs"]
mod streams_of_functions;
#[path = "ecosystem/streams_over_http.rs"]
mod streams_over_http;
