//! The modules of `tests/it` about kinds of functions, compiled with edition 2021.

#![deny(warnings, tail_expr_drop_order)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test whose preconditions fail has failed"
)]

#[path = "../it/hygiene.rs"]
mod hygiene;
#[path = "../it/others_arguments.rs"]
mod others_arguments;
#[path = "../it/others_attributes.rs"]
mod others_attributes;
#[path = "../it/others_futures.rs"]
mod others_futures;
#[path = "../it/others_generics.rs"]
mod others_generics;
#[path = "../it/others_names.rs"]
mod others_names;
#[path = "../it/others_returns.rs"]
mod others_returns;
#[path = "../it/shapes_answers.rs"]
mod shapes_answers;
#[path = "../it/shapes_async.rs"]
mod shapes_async;
#[path = "../it/shapes_async_trait.rs"]
mod shapes_async_trait;
#[path = "../it/shapes_receivers.rs"]
mod shapes_receivers;
#[path = "../it/shapes_sync.rs"]
mod shapes_sync;

/// `gen` is an identifier in this edition, and a keyword in edition 2024, which the attribute uses.
#[breaker_runtime::circuit_breaker(name = "2021/gen", fallback = |_| gen)]
fn gen(gen: u32) -> u32 {
    gen + 1
}

/// In this edition, an `impl Trait` captures only the lifetimes that it names.
#[breaker_runtime::circuit_breaker(name = "2021/captures", fallback = |_| 0..2)]
fn evens(list: &[u8]) -> impl Iterator<Item = usize> + 'static {
    0..list.len()
}

/// In this edition, temporaries of the last expression of a block live longer than its local variables.
#[breaker_runtime::circuit_breaker(name = "2021/keyed", key = shop)]
async fn order(shop: u8) -> Result<u8, breaker_runtime::BreakerError> {
    Ok(shop)
}

#[breaker_runtime::circuit_breaker(
    name = "2021/keyed, waiting",
    key = shop,
    max_concurrent = 1,
    max_wait = "1s",
    fallback = |_| 0
)]
async fn order_later(shop: u8) -> u8 {
    shop
}

#[tokio::test]
async fn a_call_ends_before_the_circuit_of_its_key() {
    assert_eq!((order(1).await.unwrap(), order_later(2).await), (1, 2));
}

#[test]
fn an_identifier_of_this_edition_stays_an_identifier() {
    assert_eq!(gen(1), 2);
    breaker_runtime::Registry::global().get("2021/gen").unwrap().force_open();
    assert_eq!(gen(1), 1);
}

#[test]
fn a_returned_value_may_outlive_the_arguments() {
    let numbers = evens(&[1, 2, 3]);
    assert_eq!(numbers.count(), 3);
}
