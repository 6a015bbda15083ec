//! A game day: drills on a shop, and a report of what opened, how fast, and what users saw.
//!
//! ```text
//! cargo run -p breaker-examples --example game-day
//! ```
//!
//! The shop charges cards at a payment provider, a real HTTP server on loopback, and asks another route of it for
//! recommendations. The provider works all the time: the drills fail and delay the calls. Each drill has an
//! expectation, and the program exits with code 1 if one of them is not met.

#![allow(clippy::print_stdout, reason = "the report is the output")]

use std::fmt;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use breaker_runtime::chaos::Drill;
use breaker_runtime::{BreakerError, Fault, Registry, State, Totals, circuit_breaker};
use reqwest::Client;
use tokio::net::TcpListener;
use tokio::time::{Instant, interval, sleep};

/// The client of the provider.
static PROVIDER: OnceLock<PaymentProvider> = OnceLock::new();

/// The pause between two users.
const PAUSE: Duration = Duration::from_millis(10);

struct PaymentProvider {
    http: Client,
    address: SocketAddr,
}

#[derive(Debug, thiserror::Error)]
enum ShopError {
    #[error(transparent)]
    Breaker(#[from] BreakerError),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the provider has not started")]
    NotStarted,
}

/// The answer that a user gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Fresh,
    /// The fallback.
    Reduced,
}

// An error of the payment reaches the user.
#[circuit_breaker(
    name = "payment",
    failure_threshold = 5,
    recovery_timeout = "300ms",
    call_timeout = "200ms"
)]
async fn charge() -> Result<Answer, ShopError> {
    fetch("charge").await
}

// Without recommendations, the page shows bestsellers.
#[circuit_breaker(
    name = "recommendations",
    window = 20,
    failure_rate = 0.5,
    recovery_timeout = "300ms",
    call_timeout = "100ms",
    fallback = |_| Ok(Answer::Reduced)
)]
async fn recommend() -> Result<Answer, ShopError> {
    fetch("recommend").await
}

async fn fetch(route: &str) -> Result<Answer, ShopError> {
    let PaymentProvider { http, address } = PROVIDER.get().ok_or(ShopError::NotStarted)?;
    http.get(format!("http://{address}/{route}")).send().await?.error_for_status()?;
    Ok(Answer::Fresh)
}

/// The function that a drill acts on.
#[derive(Clone, Copy)]
enum Route {
    Payment,
    Recommendations,
}

/// A drill and what should happen.
struct Exercise {
    title: &'static str,
    route: Route,
    fault: Fault,
    expected: Expected,
}

/// The expectation for a drill.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The circuit opens, and closes again after the drill.
    Opens,
    /// The circuit stays closed.
    StaysClosed,
}

/// The observations during a drill.
struct Observed {
    opened_after: Option<Duration>,
    has_recovered: bool,
    users: usize,
    errors: usize,
    reduced: usize,
    slowest: Duration,
    injected: u64,
}

impl Route {
    const fn name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Recommendations => "recommendations",
        }
    }

    async fn call(self) -> Result<Answer, ShopError> {
        match self {
            Self::Payment => charge().await,
            Self::Recommendations => recommend().await,
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    start_provider().await?;
    let exercises = [
        Exercise {
            title: "the payment provider is down",
            route: Route::Payment,
            fault: Fault::fail(1.0),
            expected: Expected::Opens,
        },
        Exercise {
            title: "one payment of twenty fails",
            route: Route::Payment,
            fault: Fault::fail(0.05),
            expected: Expected::StaysClosed,
        },
        Exercise {
            title: "the payment provider does not respond",
            route: Route::Payment,
            fault: Fault::slow(Duration::from_secs(2)),
            expected: Expected::Opens,
        },
        Exercise {
            title: "most recommendations fail",
            route: Route::Recommendations,
            fault: Fault::fail(0.9),
            expected: Expected::Opens,
        },
    ];
    let mut failed = 0;
    for exercise in &exercises {
        let observed = run(exercise).await?;
        let is_met = observed.meets(exercise.expected);
        failed += usize::from(!is_met);
        println!("{}: {}", exercise.route.name(), exercise.title);
        println!("  drill     {}", exercise.fault);
        println!("  observed  {observed}");
        println!("  expected  {}: {}\n", exercise.expected, if is_met { "yes" } else { "NO" });
    }
    println!("{} of {} drills went as expected", exercises.len() - failed, exercises.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts the provider, which works all the time.
async fn start_provider() -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let http = Client::builder().no_proxy().build()?;
    _ = PROVIDER.set(PaymentProvider { http, address: listener.local_addr()? });
    let router =
        Router::new().route("/charge", get(async || "charged")).route("/recommend", get(async || "tea"));
    tokio::spawn(async { axum::serve(listener, router).await });
    Ok(())
}

/// Runs a drill with users, and users after it until the circuit has recovered.
async fn run(exercise: &Exercise) -> anyhow::Result<Observed> {
    let Exercise { route, fault, .. } = exercise;
    let registry = Registry::global();
    let before = totals(*route);
    // With a seed, each game day injects the same faults.
    let drill = Drill::new(*fault, Duration::from_secs(60)).operator("game day").seed(1);
    let running = drill.start(&registry, route.name())?;
    let (started, mut opened_after) = (Instant::now(), None);
    let (mut latencies, mut errors, mut reduced) = (Vec::new(), 0, 0);
    let mut users = interval(PAUSE);
    for _ in 0..100 {
        users.tick().await;
        let asked = Instant::now();
        match route.call().await {
            Ok(Answer::Fresh) => {}
            Ok(Answer::Reduced) => reduced += 1,
            Err(_) => errors += 1,
        }
        latencies.push(asked.elapsed());
        if opened_after.is_none() && state(*route) == State::Open {
            opened_after = Some(started.elapsed());
        }
    }
    running.stop();
    Ok(Observed {
        opened_after,
        has_recovered: recovers(*route).await,
        users: latencies.len(),
        errors,
        reduced,
        slowest: latencies.into_iter().max().unwrap_or_default(),
        injected: totals(*route).injected - before.injected,
    })
}

/// Makes calls until the circuit is closed, for at most a minute.
async fn recovers(route: Route) -> bool {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(60) {
        if route.call().await.is_ok() && state(route) == State::Closed {
            return true;
        }
        sleep(PAUSE).await;
    }
    false
}

fn state(route: Route) -> State {
    Registry::global().get(route.name()).map_or(State::Closed, |circuit| circuit.state())
}

fn totals(route: Route) -> Totals {
    Registry::global().get(route.name()).map_or_else(Totals::default, |circuit| circuit.snapshot().totals)
}

impl Observed {
    fn meets(&self, expected: Expected) -> bool {
        self.has_recovered
            && match expected {
                Expected::Opens => self.opened_after.is_some(),
                Expected::StaysClosed => self.opened_after.is_none() && self.injected > 0,
            }
    }
}

impl fmt::Display for Observed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.opened_after {
            Some(time) => write!(out, "opened after {} ms", time.as_millis())?,
            None => out.write_str("stayed closed")?,
        }
        let recovered = if self.has_recovered { "closed again afterwards" } else { "did not recover" };
        let Self { users, errors, reduced, slowest, injected, .. } = self;
        write!(
            out,
            ", {recovered}; of {users} users, {errors} saw an error and {reduced} a reduced answer; the slowest waited \
             {} ms; the drill failed {injected} calls",
            slowest.as_millis()
        )
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Opens => "opens, and closes again",
            Self::StaysClosed => "stays closed",
        })
    }
}
