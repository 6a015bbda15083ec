//! The capture of a payment, when the order ships. No customer waits for it, and only the provider that authorized the
//! payment can capture it. So more failures open its circuit, a call may take longer, and captures that fail or are
//! rejected are queued.
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::time::Duration;

use breaker_runtime::queue::{Delivery, RetryQueue};
use breaker_runtime::{Registry, circuit_breaker};
use tokio::task::JoinHandle;

use crate::authorization::Authorization;
use crate::fault::Fault;
use crate::providers::{Provider, Providers};

/// Number of captures that can wait for each provider.
const CAPACITY: usize = 1000;

/// The shortest time between two captures of a queue, so that a provider that has recovered is not overloaded.
const INTERVAL: Duration = Duration::from_millis(100);

/// The result of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capture {
    Done,
    Queued,
}

/// The captures that wait, for each provider.
pub(crate) struct CaptureQueues {
    north: RetryQueue<u64>,
    south: RetryQueue<u64>,
}

impl CaptureQueues {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let circuits =
            Registry::global().get_keyed("capture").ok_or_else(|| anyhow::anyhow!("no circuits"))?;
        let queue =
            |provider: Provider| RetryQueue::in_memory(&circuits.get(&provider.to_string()), CAPACITY);
        Ok(Self { north: queue(Provider::North), south: queue(Provider::South) })
    }

    /// Makes the captures that wait, in order, whenever the circuit of their provider admits calls.
    pub(crate) fn drain(&self, providers: &Providers) -> [JoinHandle<()>; 2] {
        [Provider::North, Provider::South].map(|provider| {
            let providers = providers.clone();
            let drain = self.of(provider).drain(move |number| {
                let providers = providers.clone();
                async move { delivery(*number, providers.request_capture(provider, *number).await) }
            });
            tokio::spawn(drain.interval(INTERVAL).run())
        })
    }

    /// Ends the drains, after the captures that they are making.
    pub(crate) fn close(&self) {
        self.north.close();
        self.south.close();
    }

    fn of(&self, provider: Provider) -> &RetryQueue<u64> {
        match provider {
            Provider::North => &self.north,
            Provider::South => &self.south,
        }
    }
}

impl Providers {
    /// Captures an authorized payment, now or later.
    #[circuit_breaker(
        name = "capture",
        key = authorization.provider, // one circuit for each provider
        failure_threshold = 5,
        call_timeout = "2s",
        recovery_timeout = "1500ms",
        half_open_max_calls = 1,
        success_threshold = 1,
        failure_if(Err(fault) if fault.is_outage()),
        fallback = async |_| later(queues, authorization).await,
        fallback_on = failure,        // a capture that fails is not lost either
    )]
    pub(crate) async fn capture(
        &self,
        queues: &CaptureQueues,
        authorization: &Authorization,
    ) -> Result<Capture, Fault> {
        self.request_capture(authorization.provider, authorization.number).await?;
        Ok(Capture::Done)
    }

    /// Captures a payment. The number makes it idempotent: a provider captures each number once.
    async fn request_capture(&self, provider: Provider, number: u64) -> Result<(), Fault> {
        self.post(provider, "captures", number).await
    }
}

/// Decides whether a capture stays in its queue. One that the provider refuses would be refused again.
fn delivery(number: u64, result: Result<(), Fault>) -> Delivery {
    match result {
        Ok(()) => Delivery::Done,
        Err(fault) if fault.is_outage() => Delivery::Retry(fault.to_string()),
        Err(fault) => {
            println!("  payment {number} is not captured: {fault}");
            Delivery::Discard
        }
    }
}

async fn later(queues: &CaptureQueues, authorization: &Authorization) -> Result<Capture, Fault> {
    let queue = queues.of(authorization.provider);
    queue.push(authorization.number).await.map_err(|_| Fault::QueueFull(CAPACITY))?;
    Ok(Capture::Queued)
}
