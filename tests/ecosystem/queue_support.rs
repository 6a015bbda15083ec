//! What the tests of queues share: circuits, recorded deliveries, and a store that fails or waits when a test wants it.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breaker_runtime::queue::{Delivery, InMemory, PushError, QueueStore, QueuedItem};
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, QueueCounts};
use tokio::task::yield_now;
use tokio::time::Instant;

pub(crate) const RECOVERY: Duration = Duration::from_secs(30);

/// Returns a circuit that one failure opens for 30 seconds and one success closes.
pub(crate) fn circuit(name: &'static str) -> CircuitBreaker {
    circuit_with(name, settings())
}

pub(crate) fn settings() -> ConfigBuilder {
    Config::builder().failure_threshold(1).success_threshold(1).recovery_timeout(RECOVERY)
}

pub(crate) fn circuit_with(name: &'static str, settings: ConfigBuilder) -> CircuitBreaker {
    CircuitBreaker::new(name, settings.build().expect("the settings are valid")).expect("the name is valid")
}

pub(crate) fn counts(breaker: &CircuitBreaker) -> QueueCounts {
    breaker.snapshot().queue.expect("the circuit has a queue")
}

pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The deliveries so far: each item, and when its delivery began. Clones share the list.
#[derive(Clone)]
pub(crate) struct Log {
    start: Instant,
    entries: Arc<Mutex<Vec<LogEntry>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogEntry {
    pub(crate) item: u32,
    pub(crate) at: Duration,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { start: Instant::now(), entries: Arc::default() }
    }

    /// Returns a handler that records each item and succeeds.
    pub(crate) fn handler(&self) -> impl FnMut(Arc<u32>) -> Ready<Delivery> + Send + 'static {
        let log = self.clone();
        move |item| {
            log.add(*item);
            ready(Delivery::Done)
        }
    }

    pub(crate) fn add(&self, item: u32) {
        let entry = LogEntry { item, at: self.start.elapsed() };
        self.entries.lock().expect("no test panics here").push(entry);
    }

    /// Returns the time since the log was created.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        self.entries.lock().expect("no test panics here").clone()
    }

    pub(crate) fn items(&self) -> Vec<u32> {
        self.entries().into_iter().map(|entry| entry.item).collect()
    }

    /// Returns when the deliveries began, in milliseconds.
    pub(crate) fn millis(&self) -> Vec<u128> {
        self.entries().into_iter().map(|entry| entry.at.as_millis()).collect()
    }
}

/// A store in memory that fails as often as a test wants, and suspends each operation before and after its effect.
#[derive(Default)]
pub(crate) struct TestStore {
    items: InMemory<u32>,
    pub(crate) failing_pushes: AtomicUsize,
    pub(crate) failing_reads: AtomicUsize,
    pub(crate) failing_removals: AtomicUsize,
    /// Removals that have their effect and then an error.
    pub(crate) unconfirmed_removals: AtomicUsize,
    pub(crate) reads: AtomicUsize,
}

/// The failure of a test store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DiskFull;

impl fmt::Display for DiskFull {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the disk is full")
    }
}

impl std::error::Error for DiskFull {}

/// Counts a failure down, and returns it until there is none left.
fn fail(remaining: &AtomicUsize) -> Result<(), DiskFull> {
    let counted = remaining.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| count.checked_sub(1));
    if counted.is_ok() { Err(DiskFull) } else { Ok(()) }
}

fn never<T>(result: Result<T, Infallible>) -> Result<T, DiskFull> {
    result.map_err(|never| match never {})
}

impl QueueStore<u32> for TestStore {
    type Error = DiskFull;

    async fn push(&self, item: u32, capacity: usize) -> Result<u64, PushError<u32, DiskFull>> {
        yield_now().await;
        fail(&self.failing_pushes).map_err(|error| PushError::store(item, error))?;
        let pushed = self.items.push(item, capacity).await;
        yield_now().await;
        pushed.map_err(|error| PushError::full(error.into_item()))
    }

    async fn next(&self, after: Option<u64>) -> Result<Option<QueuedItem<u32>>, DiskFull> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        yield_now().await;
        fail(&self.failing_reads)?;
        let next = never(self.items.next(after).await);
        yield_now().await;
        next
    }

    async fn remove(&self, id: u64) -> Result<bool, DiskFull> {
        yield_now().await;
        fail(&self.failing_removals)?;
        let removed = never(self.items.remove(id).await);
        yield_now().await;
        fail(&self.unconfirmed_removals)?;
        removed
    }

    async fn count(&self) -> Result<usize, DiskFull> {
        yield_now().await;
        let count = never(self.items.count().await);
        yield_now().await;
        count
    }
}
