//! The story: a customer who keeps buying while the provider has an outage and recovers.
//!
//! Each step waits for a state change of the circuit, not for a fixed time. It fails after a number of
//! purchases without that change, so the story always ends.

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
const MAX_PURCHASES: usize = 20;

/// The checkout that a purchase uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checkout {
    Protected,
    Unprotected,
}

/// The origin of a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Provider,
    Fallback,
    Failed,
}

/// The role of a purchase for the circuit.
pub(crate) enum Role {
    /// An ordinary call.
    Call,
    /// A failure, with the number of failures in a row so far.
    Failure(u32),
    /// A trial call, which decides whether the circuit closes.
    Trial,
}

/// One purchase from the point of view of the customer.
pub(crate) struct Purchase {
    pub(crate) checkout: Checkout,
    pub(crate) source: Source,
    pub(crate) role: Role,
    pub(crate) latency: Duration,
    pub(crate) text: String,
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

    /// Runs the story once, and returns all purchases.
    pub(crate) async fn run(&self) -> anyhow::Result<Vec<Purchase>> {
        let mut purchases = Vec::new();

        self.terminal.announce("The payment provider is healthy.");
        purchases.extend(self.buy(3, Checkout::Protected).await?);

        self.provider.break_down();
        self.terminal.announce("The provider has an outage. Every customer waits, and then gets an error.");
        purchases.extend(self.buy_until(Cause::ThresholdReached).await?);

        self.terminal.announce(
            "The circuit is open. Customers get the fallback immediately, until the next trial call.",
        );
        purchases.extend(self.buy_until(Cause::TrialFailed).await?);

        self.terminal.announce("For comparison, the same checkout without a circuit breaker.");
        purchases.extend(self.buy(provider::FAULT_COUNT, Checkout::Unprotected).await?);

        self.provider.recover();
        self.terminal.announce("The provider recovers. Trial calls close the circuit.");
        purchases.extend(self.buy_until(Cause::TrialsPassed).await?);

        self.terminal.announce("The circuit is closed again.");
        purchases.extend(self.buy(3, Checkout::Protected).await?);
        Ok(purchases)
    }

    async fn buy(&self, times: usize, checkout: Checkout) -> reqwest::Result<Vec<Purchase>> {
        let mut purchases = Vec::with_capacity(times);
        for _ in 0..times {
            purchases.push(self.buy_one(checkout).await?);
        }
        Ok(purchases)
    }

    /// Buys until the last state change of the circuit has this cause. Fails if that does not happen.
    async fn buy_until(&self, cause: Cause) -> anyhow::Result<Vec<Purchase>> {
        let mut purchases = Vec::new();
        while purchases.len() < MAX_PURCHASES && last_cause() != Some(cause) {
            purchases.push(self.buy_one(Checkout::Protected).await?);
        }
        anyhow::ensure!(
            last_cause() == Some(cause),
            "expected a state change with this cause within {MAX_PURCHASES} purchases: {cause}"
        );
        Ok(purchases)
    }

    async fn buy_one(&self, checkout: Checkout) -> reqwest::Result<Purchase> {
        let before = payment::circuit();
        let purchase = self.send(checkout, before.as_ref()).await?;
        let after = payment::circuit();
        self.terminal.show(&purchase, after.as_ref());
        self.terminal.show_transition(before.as_ref(), after.as_ref());
        if checkout == Checkout::Protected {
            sleep(PACE).await;
        }
        Ok(purchase)
    }

    async fn send(&self, checkout: Checkout, before: Option<&Snapshot>) -> reqwest::Result<Purchase> {
        let url = format!("http://{}/{}?sku={SKU}", self.shop, checkout.path());
        let start = Instant::now();
        let response = self.http.get(url).send().await?;
        let source = Source::of(response.status());
        let text = response.text().await?;
        let latency = start.elapsed();
        Ok(Purchase { checkout, source, role: Role::of(checkout, source, before), latency, text })
    }
}

fn last_cause() -> Option<Cause> {
    payment::circuit()?.last_transition.map(|last| last.cause)
}

impl Checkout {
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
    fn of(checkout: Checkout, source: Source, before: Option<&Snapshot>) -> Self {
        let Some(before) = before else { return Self::Call };
        match (checkout, source, before.state) {
            (Checkout::Protected, Source::Provider | Source::Failed, State::Open | State::HalfOpen) => {
                Self::Trial
            }
            (Checkout::Protected, Source::Failed, State::Closed) => {
                Self::Failure(before.consecutive_failures + 1)
            }
            _ => Self::Call,
        }
    }
}
