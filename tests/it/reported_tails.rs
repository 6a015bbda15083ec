//! Temporaries of the last expression of a body are dropped before its local variables, as in every function
//! of edition 2024. Edition 2021 has the opposite order, so that edition does not compile this file.

#![deny(warnings)]

use std::sync::{Mutex, PoisonError};

use breaker_runtime::circuit_breaker;

#[circuit_breaker(name = "reported/tail", fallback = |_| None)]
fn tail(first: u32) -> Option<u32> {
    let list = Mutex::new(vec![first]);
    list.lock().unwrap_or_else(PoisonError::into_inner).first().copied()
}

#[circuit_breaker(name = "reported/tail, async", fallback = |_| None)]
async fn tail_async(first: u32) -> Option<u32> {
    tokio::task::yield_now().await;
    let list = Mutex::new(vec![first]);
    list.lock().unwrap_or_else(PoisonError::into_inner).first().copied()
}

#[tokio::test]
async fn temporaries_of_the_tail_expression_are_dropped_before_local_variables() {
    assert_eq!((tail(1), tail_async(1).await), (Some(1), Some(1)));
}
