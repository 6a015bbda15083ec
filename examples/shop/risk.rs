//! The fraud check. If it takes longer than 100 ms, fails or is rejected, the last score of the customer is used.

use breaker_runtime::circuit_breaker;
use breaker_runtime::fallback::MaybeStale;
use reqwest::{Client, Url};

use crate::fault::Fault;

/// The client of the fraud check.
#[derive(Clone)]
pub(crate) struct FraudCheck {
    http: Client,
    url: Url,
}

impl FraudCheck {
    pub(crate) fn new(http: Client, url: Url) -> Self {
        Self { http, url }
    }

    /// Returns the risk of a customer from 0 to 100, which may be up to an hour old.
    #[circuit_breaker(
        name = "fraud check",
        failure_threshold = 3,
        recovery_timeout = "1500ms",
        half_open_max_calls = 1,
        success_threshold = 1,
        call_timeout = "100ms",
        failure_if(Err(fault) if fault.is_outage()),
        fallback = last_good(max_age = "1h", key = customer), // of the same customer
        fallback_on = failure,                                // also for the calls that take too long
    )]
    pub(crate) async fn score(&self, customer: &str) -> Result<MaybeStale<u8>, Fault> {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(["scores", customer]); // escapes characters such as `/`
        }
        let response = self.http.get(url).send().await?;
        let score: u8 = response.error_for_status()?.text().await?.trim().parse()?;
        Ok(score.into())
    }
}
