//! Limits: the number of concurrent calls, the time that a call waits for a slot, and the duration of a call.
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
    // There are two slots. The third call waits until the first one ends. The fourth call waits until
    // `max_wait` has passed, because the second and third calls are still running.
    let (first, second, third, fourth) =
        tokio::join!(timed("first", 50), timed("second", 60_000), timed("third", 300), timed("fourth", 50));
    ensure!(
        [first, third].iter().all(|result| result == "printed"),
        "expected the first and the third call to succeed"
    );
    ensure!(second.contains("call_timeout"), "expected the second call to exceed call_timeout");
    ensure!(fourth.contains("max_concurrent"), "expected the fourth call to get no slot");

    let totals = Registry::global()
        .get("printer")
        .context("expected the breaker `printer` to be registered by its first call")?
        .snapshot()
        .totals;
    println!("{totals:?}");
    // A timeout is a failure. A call without a slot never reached the printer, so it is not a failure.
    ensure!(
        (totals.timeouts, totals.failures, totals.rejections.bulkhead) == (1, 0, 1),
        "expected one timeout, one rejection and no failed call"
    );
    Ok(())
}
