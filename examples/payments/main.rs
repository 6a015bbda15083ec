//! A payment service as in production: a circuit for each merchant, a backup provider, a ledger whose twenty methods
//! share one policy and one circuit, a dashboard behind a token, and a shutdown that no open dashboard delays.
//!
//! ```text
//! cargo run -p breaker-examples --example payments             # a few payments, then it ends
//! cargo run -p breaker-examples --example payments -- --serve  # until Ctrl-C or SIGTERM
//! cargo test -p breaker-examples --example payments            # its tests
//! ```
//!
//! Start with `providers.rs`. `--without-backup` rejects all calls to the backup provider. The variable `READ_TOKEN`
//! sets the token of the dashboard.
//!
//! | file | contents |
//! |---|---|
//! | `providers.rs` | the calls to the primary and the backup provider, protected by circuit breakers |
//! | `ledger.rs` | the repository, protected by another one |
//! | `fault.rs` | the error type, and the responses for errors |
//! | `service.rs` | the HTTP server |
//! | `tests.rs` | tests against the running service |
//! | `sandbox.rs` | stand-ins for the providers |
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

mod fault;
mod ledger;
mod providers;
mod sandbox;
mod service;
#[cfg(test)]
mod tests;

use std::{env, io};

use anyhow::{Context as _, bail};
use breaker_runtime::Registry;
use tokio::signal::ctrl_c;

use crate::providers::Providers;
use crate::service::Service;

/// The merchants and amounts of some payments. The sandbox declines 402 cents, and fails for 503 cents.
const PAYMENTS: [(&str, u64); 6] =
    [("acme", 402), ("acme", 503), ("acme", 503), ("acme", 503), ("acme", 1999), ("umbrella", 1999)];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut serves = false;
    for argument in env::args_os().skip(1) {
        match &*argument.to_string_lossy() {
            "--serve" => serves = true,
            // The circuit exists before the first call.
            "--without-backup" => {
                let backup = Registry::global().get("backup provider").context("no backup provider")?;
                backup.operator("--without-backup").force_open();
            }
            unknown => bail!("unknown argument {unknown}; use --serve or --without-backup"),
        }
    }
    let providers = Providers::new(sandbox::start("primary").await?, sandbox::start("backup").await?)?;
    let read_token = env::var("READ_TOKEN").unwrap_or_default();
    let service = Service::start(providers, &read_token).await?;
    println!("dashboard  http://{}/breakers (READ_TOKEN sets its token)", service.address);
    println!("health     http://{}/health/circuits", service.address);
    make_payments(&service).await?;
    if serves {
        wait_for_signal().await?;
    }
    service.stop().await
}

/// Makes payments at two merchants. The circuit of the first one opens, so its last payment goes to the backup
/// provider.
async fn make_payments(service: &Service) -> anyhow::Result<()> {
    let http = reqwest::Client::builder().no_proxy().build()?;
    for (merchant, cents) in PAYMENTS {
        let url = format!("http://{}/merchants/{merchant}/payments/{cents}", service.address);
        let response = http.post(url).send().await?;
        let status = response.status().as_u16();
        println!("{merchant:<9} {cents:>4} cents  {status}  {}", response.text().await?);
    }
    Ok(())
}

/// Waits for Ctrl-C or, on Unix, SIGTERM.
async fn wait_for_signal() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            result = ctrl_c() => result,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    ctrl_c().await
}
