//! Limits on a call: how many run at a time, how long one waits for its turn, how long it may take.
//!
//! ```text
//! cargo run -p breaker-examples --example limits
//! ```
//!
//! `call_timeout`, and waiting in an async function, need the feature `tokio` of `breaker-runtime`.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use breaker_runtime::{Registry, circuit_breaker};
use tokio::time::sleep;

#[circuit_breaker(
    name = "printer",
    max_concurrent = 2,
    max_wait = "150ms",
    call_timeout = "400ms",
    fallback = |error| format!("no page: {error}")
)]
async fn print(takes: Duration) -> String {
    sleep(takes).await;
    "a page".to_owned()
}

async fn timed(name: &str, takes: u64) -> String {
    let start = Instant::now();
    let page = print(Duration::from_millis(takes)).await;
    println!("{name:<8} {:>4} ms  {page}", start.elapsed().as_millis());
    page
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // Two places: the third waits for the first to end, the fourth waits in vain, the second never ends.
    let (first, second, third, fourth) =
        tokio::join!(timed("first", 50), timed("second", 60_000), timed("third", 300), timed("fourth", 50),);
    ensure!([first, third].iter().all(|page| page == "a page"), "two had a place in time");
    ensure!(second.contains("took longer"), "one took too long");
    ensure!(fourth.contains("max_concurrent"), "one found no place");

    let totals = Registry::global().get("printer").context("it was called")?.snapshot().totals;
    println!("{totals:?}");
    // To find no place says nothing about the printer: it is no failure. To take too long does.
    ensure!((totals.timeouts, totals.failures, totals.rejections.bulkhead) == (1, 0, 1), "each is counted");
    Ok(())
}
