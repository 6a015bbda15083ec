//! The story: a customer who goes on buying while the provider breaks down and recovers.
//!
//! It waits for what the circuit does rather than for the clock, and gives up waiting after a
//! number of purchases, so it ends in every case.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use breaker_runtime::{Cause, Snapshot, State};
use reqwest::{Client, StatusCode};
use tokio::time::sleep;

use crate::payment;
use crate::provider::{self, Provider};
use crate::terminal::Terminal;

const SKU: &str = "tea";
const PACE: Duration = Duration::from_millis(250);
const MOST_PURCHASES: usize = 20;

/// Where the customer pays.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Desk {
    Protected,
    Unprotected,
}

/// Where the answer came from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Provider,
    Fallback,
    Failed,
}

/// What the circuit made of a purchase.
pub(crate) enum Role {
    /// A call like any other.
    Call,
    /// This many failures in a row, with this one.
    Failure(u32),
    /// A trial: it decides whether the circuit closes.
    Trial,
}

/// One purchase, as the customer saw it.
pub(crate) struct Purchase {
    pub(crate) desk: Desk,
    pub(crate) source: Source,
    pub(crate) role: Role,
    pub(crate) latency: Duration,
    pub(crate) answer: String,
}

pub(crate) struct Story {
    http: Client,
    shop: SocketAddr,
    provider: Provider,
    terminal: Terminal,
}

impl Story {
    pub(crate) fn new(shop: SocketAddr, provider: Provider, terminal: Terminal) -> reqwest::Result<Self> {
        let http = Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        Ok(Self { http, shop, provider, terminal })
    }

    /// Plays it once, and returns every purchase in it.
    pub(crate) async fn play(&self) -> anyhow::Result<Vec<Purchase>> {
        let mut purchases = Vec::new();

        self.terminal.announce("The payment provider is healthy.");
        purchases.extend(self.buy(3, Desk::Protected).await?);

        self.provider.break_down();
        self.terminal.announce("It breaks down. Every customer waits, and then gets an error.");
        purchases.extend(self.buy_until(Cause::ThresholdReached).await?);

        self.terminal
            .announce("The circuit is open. Customers get the fallback at once; then one is a trial.");
        purchases.extend(self.buy_until(Cause::TrialFailed).await?);

        self.terminal.announce("Meanwhile, the same checkout without a circuit breaker.");
        purchases.extend(self.buy(provider::ROUND, Desk::Unprotected).await?);

        self.provider.recover();
        self.terminal.announce("The provider recovers. The circuit finds out by itself.");
        purchases.extend(self.buy_until(Cause::TrialsPassed).await?);

        self.terminal.announce("The circuit is closed again.");
        purchases.extend(self.buy(3, Desk::Protected).await?);
        Ok(purchases)
    }

    async fn buy(&self, times: usize, desk: Desk) -> reqwest::Result<Vec<Purchase>> {
        let mut purchases = Vec::with_capacity(times);
        for _ in 0..times {
            purchases.push(self.buy_one(desk).await?);
        }
        Ok(purchases)
    }

    /// Buys until the circuit last changed for this cause; a circuit that never does is an error.
    async fn buy_until(&self, cause: Cause) -> anyhow::Result<Vec<Purchase>> {
        let mut purchases = Vec::new();
        while purchases.len() < MOST_PURCHASES && last_cause() != Some(cause) {
            purchases.push(self.buy_one(Desk::Protected).await?);
        }
        anyhow::ensure!(last_cause() == Some(cause), "the circuit should have changed because {cause}");
        Ok(purchases)
    }

    async fn buy_one(&self, desk: Desk) -> reqwest::Result<Purchase> {
        let before = payment::circuit();
        let purchase = self.send(desk, before.as_ref()).await?;
        let after = payment::circuit();
        self.terminal.show(&purchase, after.as_ref());
        self.terminal.show_transition(before.as_ref(), after.as_ref());
        if desk == Desk::Protected {
            sleep(PACE).await;
        }
        Ok(purchase)
    }

    async fn send(&self, desk: Desk, before: Option<&Snapshot>) -> reqwest::Result<Purchase> {
        let url = format!("http://{}/{}?sku={SKU}", self.shop, desk.path());
        let start = Instant::now();
        let response = self.http.get(url).send().await?;
        let source = Source::of(response.status());
        let answer = response.text().await?;
        let latency = start.elapsed();
        Ok(Purchase { desk, source, role: Role::of(desk, source, before), latency, answer })
    }
}

fn last_cause() -> Option<Cause> {
    payment::circuit()?.last_transition.map(|last| last.cause)
}

impl Desk {
    fn path(self) -> &'static str {
        match self {
            Self::Protected => "checkout",
            Self::Unprotected => "unprotected",
        }
    }
}

impl Source {
    fn of(status: StatusCode) -> Self {
        match status {
            StatusCode::OK => Self::Provider,
            StatusCode::ACCEPTED => Self::Fallback,
            _ => Self::Failed,
        }
    }
}

impl Role {
    fn of(desk: Desk, source: Source, before: Option<&Snapshot>) -> Self {
        let Some(before) = before else { return Self::Call };
        match (desk, source, before.state) {
            (Desk::Protected, Source::Provider | Source::Failed, State::Open | State::HalfOpen) => {
                Self::Trial
            }
            (Desk::Protected, Source::Failed, State::Closed) => {
                Self::Failure(before.consecutive_failures + 1)
            }
            _ => Self::Call,
        }
    }
}
