//! The modules of `tests/it` about the shapes of functions, compiled in edition 2021.

#![deny(warnings, tail_expr_drop_order)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a panic fails the test")]

#[path = "../it/hygiene.rs"]
mod hygiene;
#[path = "../it/last_good_shapes.rs"]
mod last_good_shapes;
#[path = "../it/reported_arguments.rs"]
mod reported_arguments;
#[path = "../it/reported_attributes.rs"]
mod reported_attributes;
#[path = "../it/reported_futures.rs"]
mod reported_futures;
#[path = "../it/reported_generics.rs"]
mod reported_generics;
#[path = "../it/reported_names.rs"]
mod reported_names;
#[path = "../it/reported_returns.rs"]
mod reported_returns;
#[path = "../it/shapes_returns.rs"]
mod shapes_returns;
#[path = "../it/shapes_async.rs"]
mod shapes_async;
#[path = "../it/shapes_async_trait.rs"]
mod shapes_async_trait;
#[path = "../it/shapes_lifetimes.rs"]
mod shapes_lifetimes;
#[path = "../it/shapes_never.rs"]
mod shapes_never;
#[path = "../it/shapes_receivers.rs"]
mod shapes_receivers;
#[path = "../it/shapes_services.rs"]
mod shapes_services;
#[path = "../it/shapes_sync.rs"]
mod shapes_sync;

/// `gen` is an identifier in edition 2021 and a keyword in edition 2024.
#[breaker_runtime::circuit_breaker(name = "2021/gen", fallback = |_| gen)]
fn gen(gen: u32) -> u32 {
    gen + 1
}

/// In edition 2021 an `impl Trait` captures only the lifetimes that it names.
#[breaker_runtime::circuit_breaker(name = "2021/captures", fallback = |_| 0..2)]
fn evens(list: &[u8]) -> impl Iterator<Item = usize> + 'static {
    0..list.len()
}

/// In edition 2021 temporaries of the last expression of a block outlive the local variables of the block.
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
async fn a_call_ends_before_the_circuit_of_its_key_is_dropped() {
    assert_eq!((order(1).await.unwrap(), order_later(2).await), (1, 2));
}

#[test]
fn a_keyword_of_a_later_edition_can_be_a_name() {
    assert_eq!(gen(1), 2);
    breaker_runtime::Registry::global().get("2021/gen").unwrap().force_open();
    assert_eq!(gen(1), 1);
}

#[test]
fn a_returned_impl_trait_can_outlive_the_arguments() {
    let numbers = evens(&[1, 2, 3]);
    assert_eq!(numbers.count(), 3);
}
