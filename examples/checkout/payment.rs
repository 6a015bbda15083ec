//! The payment: one HTTP request to the provider, protected by a circuit breaker.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use breaker_runtime::{Registry, Snapshot, circuit_breaker};
use reqwest::Client;

const CIRCUIT: &str = "payment";

/// Time limit of one request. The HTTP client ends a longer request with an error, which the breaker counts
/// as a failure.
const REQUEST_TIMEOUT: Duration = Duration::from_millis(600);

/// The result of a payment.
pub(crate) enum Payment {
    /// The provider charged the customer and returned this receipt.
    Charged(String),
    /// The customer pays later and gets this message.
    Postponed(String),
}

/// Charges the customer, unless the circuit is open.
#[circuit_breaker(
    name = CIRCUIT,
    failure_threshold = 5,   // the fifth failure in a row opens the circuit
    recovery_timeout = "2s", // for two seconds every call gets the fallback
    half_open_max_calls = 1, // then one trial call at a time goes through
    success_threshold = 2,   // two successful trials close the circuit; a failed one opens it again
    durations = true,        // records durations for the dashboard
    fallback = postpone,
)]
pub(crate) async fn charge(gateway: &Gateway, sku: &str) -> reqwest::Result<Payment> {
    gateway.charge(sku).await
}

#[expect(clippy::unnecessary_wraps, reason = "a fallback returns what the protected function returns")]
fn postpone(_gateway: &Gateway, sku: &str) -> reqwest::Result<Payment> {
    Ok(Payment::Postponed(format!("{sku} is on its way, pay later")))
}

/// Returns the current state of the circuit, or `None` before the first charge.
pub(crate) fn circuit() -> Option<Snapshot> {
    Registry::global().get(CIRCUIT).map(|breaker| breaker.snapshot())
}

/// The client of the provider, without protection.
#[derive(Clone)]
pub(crate) struct Gateway {
    http: Client,
    url: String,
}

impl Gateway {
    pub(crate) fn new(provider: SocketAddr) -> reqwest::Result<Self> {
        let http = Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .no_proxy()
            .pool_max_idle_per_host(0) // each charge gets its own connection, because the provider breaks some
            .build()?;
        Ok(Self { http, url: format!("http://{provider}/charge") })
    }

    pub(crate) async fn charge(&self, sku: &str) -> reqwest::Result<Payment> {
        let response = self.http.post(&self.url).body(sku.to_owned()).send().await?;
        let receipt = response.error_for_status()?.text().await?;
        Ok(Payment::Charged(receipt))
    }
}

/// Returns the text of the innermost cause, which is the most specific one.
pub(crate) fn explain(error: reqwest::Error) -> String {
    if let Some(status) = error.status() {
        return format!("provider returned {status}");
    }
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
