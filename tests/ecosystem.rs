//! breaker together with the crates that its users have: tower, hyper, tonic, reqwest, governor, backon and others, with
//! real servers on loopback.
//!
//! | file | contents |
//! |---|---|

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose preconditions fail has failed"
)]
