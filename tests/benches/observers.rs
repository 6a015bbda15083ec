//! Cost of observing: the time of responses about many circuits, and the processor time of an open dashboard.
//!
//! `cargo bench -p breaker-benches --features integrations --bench observers`
//!
//! * ms: median of 51 responses over loopback. Client and server run in one thread, so the figure includes both;
//! * share: processor time over wall-clock time of a server whose 200 circuits get 20,000 calls per second. It is the
//!   median of five rounds with an open dashboard minus that of five rounds without one, which take turns. The
//!   dashboard is another process that reads the stream like a browser. Linux only.
//!
//! Times are never checked.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench prints its results, and stops if something is missing"
)]

#[path = "observers/dashboard.rs"]
mod dashboard;
mod median;
#[path = "observers/processor.rs"]
mod processor;
#[path = "observers/service.rs"]
mod service;

use std::time::{Duration, Instant};

use breaker_runtime::integrations::prometheus;
use dashboard::Dashboard;
use median::median;
use service::Service;

const RESPONSES: usize = 51;
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(5);
const WATCHED: u32 = 200;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [watch, address] = args.as_slice()
        && watch == "--watch"
    {
        dashboard::watch(address);
    }
    print_responses().await;
    print_shares().await;
}

async fn print_responses() {
    println!("| request | ms | kB |\n|---|---|---|");
    let service = Service::start(1000, 0).await;
    print_row("prometheus::encode, 1000 circuits", async || prometheus::encode(service.registry()).len())
        .await;
    for path in ["/metrics", "/circuits", "/health/circuits"] {
        print_row(&format!("{path}, 1000 circuits"), async || service.get(path).await).await;
    }
    let service = Service::start(0, 10_000).await;
    for path in ["/metrics", "/circuits", "/health/circuits"] {
        print_row(&format!("{path}, 10,000 keys"), async || service.get(path).await).await;
    }
}

async fn print_row(name: &str, request: impl AsyncFn() -> usize) {
    let mut times = Vec::with_capacity(RESPONSES);
    let mut bytes = 0;
    for _ in 0..RESPONSES {
        let start = Instant::now();
        bytes = request().await;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    println!("| {name} | {:.2} | {} |", median(times), bytes / 1000);
}

async fn print_shares() {
    let service = Service::start(WATCHED, 0).await;
    let (mut alone, mut watched) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(share(&service).await);
        let _dashboard = Dashboard::open(service.address()).await;
        watched.push(share(&service).await);
    }
    let (alone, watched) = (median(alone), median(watched));
    println!(
        "\n{WATCHED} circuits: {watched:.2} % of a processor with a dashboard, {alone:.2} % without, {:.2} % for it",
        watched - alone
    );
}

/// Returns the share of a processor that the service uses, in percent.
async fn share(service: &Service) -> f64 {
    let (start, before) = (Instant::now(), processor::seconds());
    service.work(ROUND).await;
    100.0 * (processor::seconds() - before) / start.elapsed().as_secs_f64()
}
