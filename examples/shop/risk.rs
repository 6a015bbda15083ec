//! The fraud check. If it takes longer than 100 ms, fails or is rejected, the last score of the customer is used.

use breaker_runtime::circuit_breaker;
use breaker_runtime::fallback::MaybeStale;
use reqwest::Client;

use crate::fault::Fault;

/// The client of the fraud check.
#[derive(Clone)]
pub(crate) struct FraudCheck {
    http: Client,
    url: String,
}

impl FraudCheck {
    pub(crate) fn new(http: Client, url: &str) -> Self {
        Self { http, url: url.to_owned() }
    }

    /// Returns the risk of a customer from 0 to 100, which may be up to an hour old.
    #[circuit_breaker(
        name = "fraud check",
        failure_threshold = 3,
        recovery_timeout = "1500ms",
        half_open_max_calls = 1,
        success_threshold = 1,
        call_timeout = "100ms",
        fallback = last_good(max_age = "1h", key = customer), // of the same customer
        fallback_on = failure,                                // also for the calls that take too long
    )]
    pub(crate) async fn score(&self, customer: &str) -> Result<MaybeStale<u8>, Fault> {
        let response = self.http.get(format!("{}/scores/{customer}", self.url)).send().await?;
        let score: u8 = response.error_for_status()?.text().await?.trim().parse()?;
        Ok(score.into())
    }
}
