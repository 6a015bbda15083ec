//! The limits of a call: how many calls run at the same time, how long a call waits for a slot, and how long
//! it may take.
//!
//! ```text
//! cargo run -p breaker-examples --example limits
//! ```
//!
//! `call_timeout` and waiting in an async function need the feature `tokio` of `breaker-runtime`.
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
    fallback = |error| format!("not printed: {error}")
)]
async fn print(duration: Duration) -> String {
    sleep(duration).await;
    "printed".to_owned()
}

async fn timed(name: &str, millis: u64) -> String {
    let start = Instant::now();
    let result = print(Duration::from_millis(millis)).await;
    println!("{name:<8} {:>4} ms  {result}", start.elapsed().as_millis());
    result
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    // There are two slots. The third call waits until the first one ends; the fourth one waits until
    // `max_wait` has passed, because the second call runs until `call_timeout` ends it.
    let (first, second, third, fourth) =
        tokio::join!(timed("first", 50), timed("second", 60_000), timed("third", 300), timed("fourth", 50),);
    ensure!([first, third].iter().all(|result| result == "printed"), "two calls get a slot in time");
    ensure!(second.contains("call_timeout"), "one call takes too long");
    ensure!(fourth.contains("max_concurrent"), "one call gets no slot");

    let totals = Registry::global().get("printer").context("the function was called")?.snapshot().totals;
    println!("{totals:?}");
    // A call without a slot says nothing about the printer, so it is not a failure. A timeout is one.
    ensure!(
        (totals.timeouts, totals.failures, totals.rejections.bulkhead) == (1, 0, 1),
        "each call is counted once"
    );
    Ok(())
}
