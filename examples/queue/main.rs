//! A durable queue for later: a shop captures payments while the provider is down, its process ends, and the next
//! process captures what is left.
//!
//! ```text
//! cargo run -p breaker-examples --example queue
//! ```
//!
//! Ends by itself within ten seconds. Start with `shop.rs`.
//!
//! | file | contents |
//! |---|---|
//! | `shop.rs` | the annotated function, its fallback, and the drain |
//! | `store.rs` | the store in `SQLite` |
//! | `provider.rs` | the provider, an HTTP server on loopback |
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what happens")]

mod provider;
mod shop;
mod store;

use std::time::{Duration, Instant};
use std::{env, fs, process};

use anyhow::ensure;

use crate::provider::Provider;
use crate::shop::{Receipt, Shop};
use crate::store::Capture;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let file = env::temp_dir().join(format!("breaker-queue-{}.sqlite", process::id()));
    let result = run(&file).await;
    _ = fs::remove_file(&file);
    result
}

async fn run(file: &std::path::Path) -> anyhow::Result<()> {
    let provider = Provider::start().await?;

    println!("first process");
    let shop = Shop::open(file, &provider.url).await?;
    let drain = shop.spawn_drain();
    buy(&shop, 1..=2).await;
    provider.fail();
    println!("  the provider is down");
    buy(&shop, 3..=14).await;
    println!("  the process ends, with {} captures in its queue", shop.queued());
    drain.abort();
    _ = drain.await;
    drop(shop);

    println!("second process");
    let shop = Shop::open(file, &provider.url).await?;
    println!("  its queue has {} captures", shop.queued());
    let drain = shop.spawn_drain();
    provider.recover();
    println!("  the provider is up again");
    let start = Instant::now();
    while shop.queued() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let time = start.elapsed();
    shop.close();
    drain.await?;
    let captured = provider.captured();
    println!("  captured {captured:?}, the queued ones in {time:.1?}");
    ensure!(captured == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], "an order is lost or in the wrong position");
    Ok(())
}

/// Captures the payments of some orders, and prints the receipts.
async fn buy(shop: &Shop, orders: std::ops::RangeInclusive<u32>) {
    for order in orders {
        match shop.capture(Capture { order, cents: 995 }).await {
            Ok(Receipt::Captured) => println!("  order {order}: captured"),
            Ok(Receipt::Queued) => println!("  order {order}: queued, {} of 10", shop.queued()),
            Err(error) => println!("  order {order}: {error}"),
        }
    }
}
