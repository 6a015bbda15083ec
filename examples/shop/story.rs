//! The story: customers order while one service after the other fails, and no payment is lost.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use breaker_runtime::{CircuitBreaker, Registry};
use reqwest::{Client, Response, StatusCode};
use tokio::time::{sleep, timeout};

use crate::sandbox::{Health, Sandbox};

/// The longest time that the story waits for a change.
const PATIENCE: Duration = Duration::from_secs(20);

/// The servers that the shop calls.
pub(crate) struct Sandboxes {
    pub(crate) north: Sandbox,
    pub(crate) south: Sandbox,
    pub(crate) fraud_check: Sandbox,
}

/// The customers of the shop.
pub(crate) struct Story {
    pub(crate) http: Client,
    pub(crate) shop: SocketAddr,
    pub(crate) sandboxes: Sandboxes,
}

impl Story {
    /// Runs the story once.
    ///
    /// # Errors
    ///
    /// Returns an error if a payment is lost, or an order fails that something should have replaced.
    pub(crate) async fn run(&self) -> anyhow::Result<()> {
        let Sandboxes { north, south, fraud_check } = &self.sandboxes;
        let payments_before = north.captures() + south.captures();

        say("All services are healthy.");
        let mut orders = self.order("alice", 2).await?;
        orders.extend(self.order("bob", 1).await?);
        ensure!(
            self.send("orders/mallory").await?.status() == StatusCode::PAYMENT_REQUIRED,
            "mallory is a risk"
        );
        println!("  mallory is declined");

        say("The fraud check hangs. Known customers keep their last score.");
        fraud_check.set_health(Health::Hanging);
        orders.extend(self.order("alice", 4).await?);
        let status = self.send("orders/carol").await?.status();
        ensure!(status == StatusCode::SERVICE_UNAVAILABLE, "carol has no score: {status}");
        println!("  carol has never been scored: {status}");
        fraud_check.set_health(Health::Healthy);

        say("North fails. South authorizes, and the captures of north wait.");
        north.set_health(Health::Failing);
        orders.extend(self.order("alice", 4).await?);
        self.ship(&orders).await?;
        let captures = circuit_of_captures("north")?;
        let queued = captures.snapshot().queue.map_or(0, |queue| queue.length);
        ensure!(queued > 0, "the captures of north wait");
        println!("  {queued} captures wait for north, whose circuit is {}", captures.state());

        say("North recovers. Its captures are made in order, ten per second.");
        north.set_health(Health::Healthy);
        timeout(PATIENCE, captures.wait_closed()).await.context("the circuit of the captures stays open")?;
        timeout(PATIENCE, drained(&captures)).await.context("captures still wait")?;
        let payments = north.captures() + south.captures() - payments_before;
        println!("  {} orders, {payments} payments captured", orders.len());
        ensure!(payments == orders.len(), "a payment was lost");
        Ok(())
    }

    /// Orders several times, and returns the numbers of the orders.
    async fn order(&self, customer: &str, times: usize) -> anyhow::Result<Vec<u64>> {
        let mut numbers = Vec::with_capacity(times);
        for _ in 0..times {
            let response = self.send(&format!("orders/{customer}")).await?.error_for_status()?;
            let text = response.text().await?;
            println!("  {customer} orders: {text}");
            let number = text.split(',').next().context("a response without a number")?;
            numbers.push(number.parse()?);
        }
        Ok(numbers)
    }

    /// Ships all orders.
    async fn ship(&self, orders: &[u64]) -> anyhow::Result<()> {
        for number in orders {
            let response = self.send(&format!("orders/{number}/shipment")).await?.error_for_status()?;
            println!("  order {number} ships: {}", response.text().await?);
        }
        Ok(())
    }

    async fn send(&self, path: &str) -> reqwest::Result<Response> {
        self.http.post(format!("http://{}/{path}", self.shop)).send().await
    }
}

fn say(title: &str) {
    println!("\n{title}");
}

fn circuit_of_captures(provider: &str) -> anyhow::Result<CircuitBreaker> {
    Ok(Registry::global().get_keyed("capture").context("no circuits of captures")?.get(provider))
}

/// Waits until no capture is queued.
async fn drained(circuit: &CircuitBreaker) {
    while circuit.snapshot().queue.is_some_and(|queue| queue.length > 0) {
        sleep(Duration::from_millis(50)).await;
    }
}
