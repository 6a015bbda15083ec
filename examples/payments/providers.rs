//! The payment providers. Each merchant has a circuit of its own at the primary provider, and its payments go to the
//! backup provider while that circuit is open.

use std::time::Duration;

use breaker_runtime::{Config, ConfigBuilder, circuit_breaker};
use reqwest::{Client, Url};

use crate::fault::Fault;

/// The policy for both providers. The other settings have their defaults.
const PROVIDER: ConfigBuilder =
    Config::builder().failure_threshold(3).call_timeout(Duration::from_secs(2)).durations(true);

/// The clients of both providers.
#[derive(Clone)]
pub(crate) struct Providers {
    http: Client,
    primary: Url,
    backup: Url,
}

impl Providers {
    pub(crate) fn new(primary: Url, backup: Url) -> reqwest::Result<Self> {
        Ok(Self { http: Client::builder().no_proxy().build()?, primary, backup })
    }

    /// Reserves an amount on the card of a customer, and returns the receipt.
    ///
    /// After a timeout, the primary provider may have reserved the amount too. That reservation is never collected and
    /// lapses. Do not give a call that collects money a fallback like this one.
    #[circuit_breaker(
        name = "provider",
        config = PROVIDER,
        key = merchant,                               // one circuit for each merchant
        failure_if(Err(fault) if fault.is_outage()),  // a declined payment is no failure
        fallback = Self::reserve_at_backup,           // same arguments, own circuit
    )]
    pub(crate) async fn reserve(&self, merchant: &str, cents: u64) -> Result<String, Fault> {
        self.post(&self.primary, merchant, cents).await
    }

    #[circuit_breaker(name = "backup provider", config = PROVIDER, failure_if(Err(fault) if fault.is_outage()))]
    async fn reserve_at_backup(&self, merchant: &str, cents: u64) -> Result<String, Fault> {
        self.post(&self.backup, merchant, cents).await
    }

    async fn post(&self, provider: &Url, merchant: &str, cents: u64) -> Result<String, Fault> {
        let mut url = provider.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(["merchants", merchant, "reservations"]); // escapes characters such as `/` and `?`
        }
        let response = self.http.post(url).body(cents.to_string()).send().await?;
        Ok(response.error_for_status()?.text().await?)
    }
}
