//! The payment: one HTTP request to the provider, and the circuit breaker around it.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use breaker_runtime::{Registry, Snapshot, circuit_breaker};
use reqwest::Client;

const CIRCUIT: &str = "payment";

/// A request that takes longer has failed: the breaker counts failures, the client gives up waiting.
const PATIENCE: Duration = Duration::from_millis(600);

/// How a purchase was paid.
pub(crate) enum Payment {
    /// By the provider, who gave this receipt.
    Charged(String),
    /// Not yet; the customer was told this.
    Postponed(String),
}

/// Charges the customer, unless the circuit is open.
#[circuit_breaker(
    name = CIRCUIT,
    failure_threshold = 5,   // the fifth failure in a row opens the circuit
    recovery_timeout = "2s", // for two seconds every call gets the fallback, at once
    half_open_max_calls = 1, // then one call at a time goes through, as a trial
    success_threshold = 2,   // two good trials close the circuit, a bad one opens it again
    durations = true,        // how long charges take, for the dashboard
    fallback = postpone,
)]
pub(crate) async fn charge(gateway: &Gateway, sku: &str) -> reqwest::Result<Payment> {
    gateway.charge(sku).await
}

#[expect(clippy::unnecessary_wraps, reason = "a fallback returns what the protected function returns")]
fn postpone(_gateway: &Gateway, sku: &str) -> reqwest::Result<Payment> {
    Ok(Payment::Postponed(format!("{sku} is on its way, pay later")))
}

/// The circuit as it is now; none before the first charge.
pub(crate) fn circuit() -> Option<Snapshot> {
    Registry::global().get(CIRCUIT).map(|breaker| breaker.snapshot())
}

/// The way to the provider, with nothing to protect it.
#[derive(Clone)]
pub(crate) struct Gateway {
    http: Client,
    url: String,
}

impl Gateway {
    pub(crate) fn new(provider: SocketAddr) -> reqwest::Result<Self> {
        let http = Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .pool_max_idle_per_host(0) // the provider breaks connections, so each charge gets its own
            .build()?;
        Ok(Self { http, url: format!("http://{provider}/charge") })
    }

    pub(crate) async fn charge(&self, sku: &str) -> reqwest::Result<Payment> {
        let response = self.http.post(&self.url).body(sku.to_owned()).send().await?;
        let receipt = response.error_for_status()?.text().await?;
        Ok(Payment::Charged(receipt))
    }
}

/// The innermost cause, which is the one that people understand.
pub(crate) fn explain(error: reqwest::Error) -> String {
    if let Some(status) = error.status() {
        return format!("provider answered {status}");
    }
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
