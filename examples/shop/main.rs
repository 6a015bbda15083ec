//! A shop with two payment providers and a fraud check, all of which fail: the payment design that system-design texts
//! describe, over real HTTP.
//!
//! ```text
//! cargo run -p breaker-examples --example shop             # runs once, about ten seconds
//! cargo run -p breaker-examples --example shop -- --serve  # repeats until Ctrl-C, for the dashboard
//! ```
//!
//! | call | circuit | instead of the call |
//! |---|---|---|
//! | authorize a payment | one for each provider, opens after 3 failures | the other provider |
//! | capture it, when the order ships | one for each provider, opens after 5 failures | a queue, which is drained later |
//! | score the risk of a customer | opens after 3 failures or timeouts of 100 ms | the last score of the customer |
//!
//! Start with `authorization.rs`.
//!
//! | file | contents |
//! |---|---|
//! | `fault.rs` | the error type, and the responses for errors |
//! | `sandbox.rs` | stand-ins for the providers and the fraud check |
//! | `providers.rs` | the client of both providers |
//! | `authorization.rs` | the authorization of a payment, with a backup provider |
//! | `capture.rs` | the capture of a payment, with a queue |
//! | `risk.rs` | the fraud check, with its last good score |
//! | `shop.rs` | the HTTP service and the dashboard |
//! | `story.rs` | the customers, while one service after the other fails |
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod authorization;
mod capture;
mod fault;
mod providers;
mod risk;
mod sandbox;
mod shop;
mod story;

use std::env;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use reqwest::Client;
use tokio::time::sleep;

use crate::capture::CaptureQueues;
use crate::providers::Providers;
use crate::risk::FraudCheck;
use crate::sandbox::Sandbox;
use crate::shop::Shop;
use crate::story::{Sandboxes, Story};

/// The pause between two runs, in which you can look at the dashboard.
const PAUSE: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    let repeats = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--serve"] => true,
        [unknown, ..] => {
            bail!("unknown argument {unknown}; use --serve to repeat until Ctrl-C, or no argument")
        }
    };
    let http = Client::builder().no_proxy().build()?;
    let sandboxes = Sandboxes {
        north: Sandbox::start().await?,
        south: Sandbox::start().await?,
        fraud_check: Sandbox::start().await?,
    };
    let providers = Providers::new(http.clone(), &sandboxes.north.url, &sandboxes.south.url);
    let queues = CaptureQueues::new()?;
    let drains = queues.drain(&providers);
    let fraud_check = FraudCheck::new(http.clone(), sandboxes.fraud_check.url.parse()?);
    let shop = Arc::new(Shop { fraud_check, providers, queues, orders: shop::Orders::default() });
    let address = shop::open(Arc::clone(&shop)).await?;
    println!("dashboard  http://{address}/");
    let story = Story { http, shop: address, sandboxes };
    story.run().await?;
    if repeats {
        repeat(&story).await?;
    }
    shop.queues.close();
    for drain in drains {
        drain.await?;
    }
    Ok(())
}

async fn repeat(story: &Story) -> anyhow::Result<()> {
    loop {
        println!("\nThe next run starts in {PAUSE:?}; Ctrl-C ends the example.");
        sleep(PAUSE).await;
        story.run().await?;
    }
}
