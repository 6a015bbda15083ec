//! The modules of `tests/it` that hold shapes of functions, compiled as the edition before.

#![deny(warnings, tail_expr_drop_order)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot get what it needs has failed"
)]

#[path = "../it/hygiene.rs"]
mod hygiene;
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
#[path = "../it/shapes_receivers.rs"]
mod shapes_receivers;
#[path = "../it/shapes_sync.rs"]
mod shapes_sync;

/// An identifier here, a keyword in the edition of the attribute.
#[breaker_runtime::circuit_breaker(name = "2021/gen", fallback = |_| gen)]
fn gen(gen: u32) -> u32 {
    gen + 1
}

/// In this edition an `impl Trait` has only the lifetimes that it names.
#[breaker_runtime::circuit_breaker(name = "2021/captures", fallback = |_| 0..2)]
fn evens(list: &[u8]) -> impl Iterator<Item = usize> + 'static {
    0..list.len()
}

/// In this edition what the last expression of a block made lives longer than the block's own.
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
fn what_was_a_name_in_this_edition_still_is_one() {
    assert_eq!(gen(1), 2);
    breaker_runtime::Registry::global().get("2021/gen").unwrap().force_open();
    assert_eq!(gen(1), 1);
}

#[test]
fn what_is_returned_may_outlive_the_arguments() {
    let numbers = evens(&[1, 2, 3]);
    assert_eq!(numbers.count(), 3);
}
