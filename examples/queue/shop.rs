//! The shop: captures payments, and queues those that the circuit rejects or that fail.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use breaker_runtime::queue::{Delivery, PushError, RetryQueue};
use breaker_runtime::{BreakerError, CircuitBreaker, Config, circuit_breaker};
use reqwest::{Client, StatusCode};
use tokio::task::JoinHandle;

use crate::store::{Capture, SqliteStore, StoreError};

/// The shop of one process.
#[derive(Clone)]
pub(crate) struct Shop {
    breaker: CircuitBreaker,
    queue: RetryQueue<Capture, SqliteStore>,
    provider: ProviderClient,
}

/// The client of the provider.
#[derive(Clone)]
struct ProviderClient {
    http: Client,
    url: String,
}

/// The result of a capture that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receipt {
    Captured,
    Queued,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CaptureError {
    #[error("the provider cannot execute the capture")]
    Invalid,
    #[error("the provider answered {0}")]
    Status(StatusCode),
    #[error("the provider could not be reached: {0}")]
    Http(#[from] reqwest::Error),
    #[error(transparent)]
    Rejected(#[from] BreakerError),
    /// The queue is full, or its store failed. The customer learns that the payment was not made.
    #[error(transparent)]
    NotQueued(#[from] PushError<Capture, StoreError>),
}

impl Shop {
    /// Opens the shop. Its queue has the captures that an earlier process has left in `file`.
    pub(crate) async fn open(file: &Path, provider: &str) -> anyhow::Result<Self> {
        let config = Config::builder()
            .failure_threshold(3)
            .recovery_timeout(Duration::from_millis(400))
            .success_threshold(1)
            .build()?;
        let breaker = CircuitBreaker::new("capture", config)?;
        let store = SqliteStore::open(file).with_context(|| format!("cannot open {}", file.display()))?;
        let queue = RetryQueue::with_store(&breaker, store, 10).await?;
        let provider =
            ProviderClient { http: Client::builder().no_proxy().build()?, url: provider.to_owned() };
        Ok(Self { breaker, queue, provider })
    }

    /// Captures a payment now, or later if the provider fails. The provider executes each order once, so a capture that
    /// failed may be repeated.
    #[circuit_breaker(
        breaker = self.breaker,
        failure_if(Err(error) if !matches!(error, CaptureError::Invalid)),
        fallback = async |_| self.later(capture).await,
        fallback_on = failure,
    )]
    pub(crate) async fn capture(&self, capture: Capture) -> Result<Receipt, CaptureError> {
        self.provider.capture(capture).await?;
        Ok(Receipt::Captured)
    }

    async fn later(&self, capture: Capture) -> Result<Receipt, CaptureError> {
        self.queue.push(capture).await?;
        Ok(Receipt::Queued)
    }

    /// Delivers the queued captures, at most 20 per second, until the queue is closed.
    pub(crate) fn spawn_drain(&self) -> JoinHandle<()> {
        let provider = self.provider.clone();
        let deliver = move |capture: Arc<Capture>| {
            let provider = provider.clone();
            async move {
                match provider.capture(*capture).await {
                    Err(CaptureError::Invalid) => {
                        eprintln!("order {} can never be captured", capture.order);
                        Delivery::Discard
                    }
                    result => result.into(),
                }
            }
        };
        let pause = Duration::from_millis(200);
        let drain = self.queue.drain(deliver).interval(Duration::from_millis(50)).pause(pause, pause * 10);
        tokio::spawn(drain.run())
    }

    /// Returns the number of captures that wait.
    pub(crate) fn queued(&self) -> u64 {
        self.breaker.snapshot().queue.map_or(0, |queue| queue.length)
    }

    /// Ends the drain after its current delivery.
    pub(crate) fn close(&self) {
        self.queue.close();
    }
}

impl ProviderClient {
    async fn capture(&self, Capture { order, cents }: Capture) -> Result<(), CaptureError> {
        let url = format!("{}/captures/{order}", self.url);
        let status = self.http.post(url).body(cents.to_string()).send().await?.status();
        match status {
            StatusCode::CREATED | StatusCode::CONFLICT => Ok(()),
            StatusCode::UNPROCESSABLE_ENTITY => Err(CaptureError::Invalid),
            _ => Err(CaptureError::Status(status)),
        }
    }
}
