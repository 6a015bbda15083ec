//! One process of the fleet. It calls the service all the time, and prints what its circuit does.
#![expect(clippy::print_stdout, reason = "the parent reads what this process prints")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use breaker_runtime::fleet::{self, Fleet};
use breaker_runtime::integrations::http::is_failure_status;
use breaker_runtime::{BreakerError, Registry, circuit_breaker};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::sleep;

use crate::report::Report;

/// The namespace of the fleet in Redis.
const NAMESPACE: &str = "fleet-node";

/// Number of callers in each process, and the pause between two calls of each.
const CALLERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(40);

/// The interval at which the process reads its circuit.
const LOOK: Duration = Duration::from_millis(10);

/// An address on which nothing listens.
const NOWHERE: &str = "http://127.0.0.1:1";

pub(crate) struct NodeOptions {
    pub(crate) number: usize,
    pub(crate) redis: String,
    pub(crate) service: String,
}

#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("the service cannot be reached")]
    Unreachable(#[from] reqwest::Error),
    #[error(transparent)]
    Rejected(#[from] BreakerError),
}

/// The call that all processes make. They share its circuit: it opens in all of them when two of them have opened it,
/// and when it is due, one of them makes three trial calls.
#[circuit_breaker(
    name = "service",
    failure_threshold = 5,
    failure_if(Err(CallError::Unreachable(error)) if error.status().is_none_or(is_failure_status)), // 4xx is an answer
    recovery_timeout = "2s",
    half_open_max_calls = 3,
    success_threshold = 3,
    shared = "quorum"
)]
async fn call(client: &reqwest::Client, url: &str) -> Result<(), CallError> {
    client.get(url).send().await?.error_for_status()?;
    Ok(())
}

pub(crate) async fn run(options: NodeOptions) -> anyhow::Result<()> {
    let fleet =
        Fleet::builder(&options.redis, NAMESPACE).instance(&format!("node {}", options.number)).connect()?;
    let has_bad_network = Arc::new(AtomicBool::new(false));
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(1)).build()?;
    for _ in 0..CALLERS {
        let (client, service, is_bad) =
            (client.clone(), options.service.clone(), Arc::clone(&has_bad_network));
        tokio::spawn(async move {
            loop {
                let url = if is_bad.load(Ordering::Relaxed) { NOWHERE } else { &service };
                // The parent looks at the circuit, not at single calls.
                _ = call(&client, url).await;
                sleep(PAUSE).await;
            }
        });
    }
    tokio::select! {
        () = print_changes() => {}
        result = follow_parent(&has_bad_network) => result?,
    }
    fleet.shutdown().await;
    Ok(())
}

/// Prints a report whenever it differs from the one before.
async fn print_changes() {
    let mut last = None;
    loop {
        let now = report();
        if now.is_some() && now != last {
            last = now;
            if let Some(report) = now {
                println!("{report}");
            }
        }
        sleep(LOOK).await;
    }
}

/// Returns what this process knows; `None` before the first call.
fn report() -> Option<Report> {
    let registry = Registry::global();
    let state = registry.get("service")?.state();
    let status = fleet::status(&registry)?;
    let holds_lease =
        status.circuits.iter().any(|circuit| circuit.lease_holder.as_ref() == Some(&status.instance));
    let processes = if status.is_connected { status.processes } else { 0 };
    Some(Report { state, processes, holds_lease })
}

/// Follows the parent until it closes the input of this process, or ends.
async fn follow_parent(has_bad_network: &AtomicBool) -> anyhow::Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        has_bad_network.store(line == "bad network", Ordering::Relaxed);
    }
    Ok(())
}
