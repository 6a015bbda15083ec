//! Four fallback strategies: the last good value, a default value, an explicit refusal, and an alternative service.
//!
//! ```text
//! cargo run -p breaker-examples --example strategies
//! ```
//!
//! The services work for one call each, and are down from then on.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail, ensure};
use breaker_runtime::fallback::MaybeStale;
use breaker_runtime::{BreakerError, Registry, circuit_breaker};

static IS_DOWN: AtomicBool = AtomicBool::new(false);

// The last price of each article is good enough for five minutes, and the caller sees that it is not new.
#[circuit_breaker(
    name = "prices",
    failure_threshold = 1,
    fallback = last_good(max_age = "5m", key = sku, on_stale = |_, age| println!("  the price is {age:.1?} old")),
    fallback_on = failure
)]
fn price(sku: &str) -> Result<MaybeStale<u64>> {
    Ok(ask(sku.len() as u64)?.into())
}

// A page without recommendations is better than no page.
#[circuit_breaker(
    name = "recommendations",
    failure_threshold = 1,
    fallback = |_| Ok(Vec::new()),
    fallback_on = failure
)]
fn recommendations(user: u64) -> Result<Vec<u64>> {
    Ok(vec![ask(user)?])
}

// Nothing can stand in for a payment.
#[circuit_breaker(
    name = "payments",
    failure_threshold = 1,
    fallback = |error: BreakerError| bail!("order {order} is not paid; {error}")
)]
fn pay(order: u64) -> Result<u64> {
    ask(order)
}

// A second provider, with a circuit of its own.
#[circuit_breaker(name = "geocoder", failure_threshold = 1, fallback = backup, fallback_on = failure)]
fn locate(address: &str) -> Result<String> {
    Ok(format!("{address}: {}, by the first provider", ask(52)?))
}

#[circuit_breaker(name = "backup geocoder")]
fn backup(address: &str) -> Result<String> {
    Ok(format!("{address}: 52, by the second provider"))
}

fn ask(answer: u64) -> Result<u64> {
    if IS_DOWN.load(Ordering::Relaxed) {
        bail!("the service is down");
    }
    Ok(answer)
}

fn main() -> Result<()> {
    for is_down in [false, true, true] {
        IS_DOWN.store(is_down, Ordering::Relaxed);
        println!("{}", if is_down { "services down:" } else { "services up:" });
        let tea = price("tea")?;
        println!("  tea costs {}, stale: {}", *tea, tea.is_stale());
        println!("  recommendations: {:?}", recommendations(7)?);
        match pay(1) {
            Ok(order) => println!("  order {order} is paid"),
            Err(error) => println!("  {error:#}"),
        }
        println!("  {}", locate("Main Street 1")?);
        ensure!(tea.is_stale() == is_down, "expected a stale price only while the service is down");
    }
    for breaker in Registry::global().iter() {
        let fallbacks = breaker.snapshot().totals.fallbacks;
        println!(
            "{}: {} fallbacks worked, {} failed",
            breaker.name(),
            fallbacks.successes,
            fallbacks.failures
        );
    }
    Ok(())
}
