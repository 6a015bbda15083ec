//! The authorization of a payment: the customer waits for it. So few failures open its circuit, a call is short, and a
//! second provider, which has a circuit of its own, replaces the first one.

use std::time::Duration;

use breaker_runtime::{Config, ConfigBuilder, circuit_breaker};

use crate::fault::Fault;
use crate::providers::{Provider, Providers};

/// The policy for both providers.
const AUTHORIZATION: ConfigBuilder = Config::builder()
    .failure_threshold(3)
    .call_timeout(Duration::from_millis(300))
    .recovery_timeout(Duration::from_millis(1500))
    .half_open_max_calls(1)
    .success_threshold(1)
    .durations(true);

/// A payment that a provider has authorized, and has not captured.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    pub(crate) number: u64,
    pub(crate) provider: Provider,
}

impl Providers {
    /// Authorizes an order at the first provider, or at the second one if the first fails or its circuit is open.
    ///
    /// After a timeout, both providers may have authorized the order. An authorization that is not captured lapses.
    #[circuit_breaker(
        name = "north: authorize",
        config = AUTHORIZATION,
        failure_if(Err(fault) if fault.is_outage()), // a declined card is no failure
        fallback = Self::authorize_at_backup,        // same arguments, own circuit
        fallback_on = failure,
    )]
    pub(crate) async fn authorize(&self, number: u64) -> Result<Authorization, Fault> {
        self.request_authorization(Provider::North, number).await
    }

    #[circuit_breaker(
        name = "south: authorize",
        config = AUTHORIZATION,
        failure_if(Err(fault) if fault.is_outage()),
    )]
    async fn authorize_at_backup(&self, number: u64) -> Result<Authorization, Fault> {
        self.request_authorization(Provider::South, number).await
    }

    async fn request_authorization(&self, provider: Provider, number: u64) -> Result<Authorization, Fault> {
        self.post(provider, "authorizations", number).await?;
        Ok(Authorization { number, provider })
    }
}
