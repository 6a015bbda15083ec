//! What it costs to look: the pages over many circuits, and the processor that an open dashboard takes.
//!
//! `cargo bench -p breaker-tests --no-default-features --features integrations --bench seeing`
//!
//! * ms: the median of 51 answers over loopback, client and server in one thread, so both are in it;
//! * share: the time on a processor of a server whose 200 circuits get 20,000 calls a second, over the time on the
//!   clock: the median of five rounds with an open dashboard, less that of five rounds without one that take turns
//!   with them. The dashboard is another process that reads the stream as a browser does. Linux only.
//!
//! Nothing is checked: these figures are those of a machine and its load.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a bench prints, and stops at what it lacks")]

#[path = "observers/dashboard.rs"]
mod dashboard;
#[path = "observers/processor.rs"]
mod processor;
#[path = "observers/service.rs"]
mod service;

use std::time::{Duration, Instant};

use breaker_runtime::integrations::prometheus;
use dashboard::Dashboard;
use service::Service;

const ANSWERS: usize = 51;
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
    print_answers().await;
    print_shares().await;
}

async fn print_answers() {
    println!("| look | ms | kB |\n|---|---|---|");
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

async fn print_row(name: &str, look: impl AsyncFn() -> usize) {
    let mut times = Vec::with_capacity(ANSWERS);
    let mut bytes = 0;
    for _ in 0..ANSWERS {
        let start = Instant::now();
        bytes = look().await;
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

/// In percent.
async fn share(service: &Service) -> f64 {
    let (start, before) = (Instant::now(), processor::seconds());
    service.work(ROUND).await;
    100.0 * (processor::seconds() - before) / start.elapsed().as_secs_f64()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
