//! Reads circuits for many clients at once. A large registry is read on a thread for blocking work, for one
//! request at a time. Requests that arrive in the meantime share the next result. Above [`MAX_UNCACHED_COST`],
//! a result also serves later requests for up to a second.
//!
//! A request that arrives while circuits are being read waits for the result without blocking a thread. A
//! request that is cancelled does not end the reading that it started, so its result is not lost, and a client
//! that disconnects early cannot start several of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, Semaphore};
use tokio::task::spawn_blocking;

use super::error::HttpError;
use super::registry_commands::RegistryCommands;
use crate::clock::Moment;
use crate::registry::Registry;
use crate::sync::{AtomicU64, Ordering};

/// The cost of reading circuits, in the time that one circuit of a breaker with keys takes: 0.3 to 1.5 µs,
/// depending on the caches of the processor.
pub(super) type Cost = usize;

/// The cost of a breaker in JSON or in metrics, besides its keys: 4 to 10 µs.
pub(super) const BREAKER_COST: Cost = 10;
/// Highest cost of a reading on an async thread: at most about a millisecond with durations and windows.
pub(super) const MAX_INLINE_COST: Cost = 200;
/// Highest cost of a reading that is not cached: about ten milliseconds.
pub(super) const MAX_UNCACHED_COST: Cost = 10_000;
/// Maximum age of a cached result when a request arrives.
const MAX_AGE: Duration = Duration::from_secs(1);

/// Runs readings, each on a suitable thread.
#[derive(Debug)]
pub(super) struct Reader {
    registry: Registry,
    commands: Arc<RegistryCommands>,
    /// Permits one run off the async threads at a time, so that clients occupy at most one processor.
    turn: Arc<Semaphore>,
}

/// The latest result of one kind of reading.
#[derive(Debug)]
pub(super) struct Cached<T> {
    /// Number of readings that have been started.
    started: Arc<AtomicU64>,
    latest: Arc<AsyncMutex<Option<Reading<T>>>>,
}

/// A result, and the state when it was started.
#[derive(Debug)]
struct Reading<T> {
    number: u64,
    at: Moment,
    commands: u64,
    value: T,
}

/// Returns `true` for a reading that may run on an async thread.
pub(super) const fn is_inline(cost: Cost) -> bool {
    cost <= MAX_INLINE_COST
}

impl Reader {
    pub(super) fn new(registry: &Registry) -> Self {
        let (commands, turn) = (RegistryCommands::of(registry), Arc::new(Semaphore::new(1)));
        Self { registry: registry.clone(), commands, turn }
    }

    /// Returns the number of commands that have run, over any router of the registry.
    pub(super) fn commands(&self) -> u64 {
        self.commands.count()
    }

    fn now(&self) -> Moment {
        self.registry.clock().now()
    }

    /// Runs `work` here if its cost is low, otherwise on a thread for blocking work.
    ///
    /// # Errors
    ///
    /// Returns an error if `work` panicked there, or if the runtime is shutting down.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        cost: Cost,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HttpError> {
        if is_inline(cost) {
            return Ok(work());
        }
        let turn = Arc::clone(&self.turn).acquire_owned().await.map_err(|_| HttpError::READING_FAILED)?;
        let work = spawn_blocking(move || {
            let value = work();
            drop(turn);
            value
        });
        work.await.map_err(|_| HttpError::READING_FAILED)
    }
}

impl<T: Clone + Send + 'static> Cached<T> {
    /// Returns the result of `read`, or a recent one if reading is expensive.
    ///
    /// # Errors
    ///
    /// Returns an error if `read` panicked, or if the runtime is shutting down.
    pub(super) async fn get(
        &self,
        reader: &Arc<Reader>,
        cost: Cost,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HttpError> {
        if is_inline(cost) {
            return Ok(read());
        }
        let (now, commands) = (reader.now(), reader.commands());
        let started = self.started.load(Ordering::Acquire);
        let mut latest = Arc::clone(&self.latest).lock_owned().await;
        if let Some(reading) = &*latest {
            let began_since = reading.number > started;
            let is_recent = cost > MAX_UNCACHED_COST && now.since(reading.at) < MAX_AGE;
            if began_since || (is_recent && reading.commands == commands) {
                return Ok(reading.value.clone());
            }
        }
        let (reader_for_run, started) = (Arc::clone(reader), Arc::clone(&self.started));
        // The lock moves into the reading, which may outlive this request.
        let work = move || {
            let number = started.fetch_add(1, Ordering::AcqRel) + 1;
            let (at, commands) = (reader_for_run.now(), reader_for_run.commands());
            let value = read();
            *latest = Some(Reading { number, at, commands, value: value.clone() });
            value
        };
        reader.run(cost, work).await
    }
}

impl<T> Default for Cached<T> {
    fn default() -> Self {
        Self { started: Arc::new(AtomicU64::new(0)), latest: Arc::new(AsyncMutex::new(None)) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use tokio::runtime::Builder;
    use tokio::task::{spawn, yield_now};

    use super::{Cached, MAX_INLINE_COST, Reader};
    use crate::registry::Registry;
    use crate::sync::{AtomicU64, Mutex, Ordering, lock};

    /// A reading that waits until the test permits its end, and returns its number.
    #[derive(Clone)]
    struct Gate {
        reader: Arc<Reader>,
        cached: Arc<Cached<u64>>,
        begun: Arc<AtomicU64>,
        running: Arc<AtomicU64>,
        permits: Arc<Mutex<Receiver<()>>>,
    }

    impl Gate {
        fn new() -> (Self, Sender<()>) {
            let (sender, receiver) = channel();
            let gate = Self {
                reader: Arc::new(Reader::new(&Registry::new())),
                cached: Arc::default(),
                begun: Arc::new(AtomicU64::new(0)),
                running: Arc::new(AtomicU64::new(0)),
                permits: Arc::new(Mutex::new(receiver)),
            };
            (gate, sender)
        }

        async fn get(self) -> Option<u64> {
            let Self { begun, running, permits, .. } = self.clone();
            let read = move || {
                assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "two readings at a time");
                let number = begun.fetch_add(1, Ordering::SeqCst) + 1;
                lock(&permits).recv().unwrap();
                running.fetch_sub(1, Ordering::SeqCst);
                number
            };
            self.cached.get(&self.reader, MAX_INLINE_COST + 1, read).await.ok()
        }

        async fn until_begun(&self, number: u64) {
            while self.begun.load(Ordering::SeqCst) < number {
                yield_now().await;
            }
        }
    }

    fn run(test: impl Future<Output = ()>) {
        Builder::new_current_thread().build().unwrap().block_on(test);
    }

    #[test]
    fn requests_that_wait_share_one_reading_that_began_after_they_arrived() {
        run(async {
            let (gate, permits) = Gate::new();
            let first = spawn(gate.clone().get());
            gate.until_begun(1).await;
            let waiting: Vec<_> = (0..10).map(|_| spawn(gate.clone().get())).collect();
            for _ in 0..20 {
                yield_now().await;
            }
            assert_eq!(gate.begun.load(Ordering::SeqCst), 1);
            permits.send(()).unwrap();
            permits.send(()).unwrap();
            assert_eq!(first.await.unwrap(), Some(1));
            for request in waiting {
                assert_eq!(request.await.unwrap(), Some(2));
            }
        });
    }

    #[test]
    fn cancelled_requests_do_not_start_several_readings_at_a_time() {
        run(async {
            let (gate, permits) = Gate::new();
            for _ in 0..10 {
                let cancelled = spawn(gate.clone().get());
                gate.until_begun(1).await;
                yield_now().await;
                cancelled.abort();
            }
            let last = spawn(gate.clone().get());
            for _ in 0..20 {
                yield_now().await;
            }
            assert_eq!(gate.begun.load(Ordering::SeqCst), 1);
            permits.send(()).unwrap();
            permits.send(()).unwrap();
            assert_eq!(last.await.unwrap(), Some(2));
        });
    }

    #[test]
    fn a_panic_while_reading_is_an_error_of_one_request() {
        run(async {
            let (gate, permits) = Gate::new();
            permits.send(()).unwrap();
            let read = || -> u64 { std::panic::resume_unwind(Box::new("the test panics")) };
            assert!(gate.cached.get(&gate.reader, MAX_INLINE_COST + 1, read).await.is_err());
            assert_eq!(gate.clone().get().await, Some(1));
        });
    }
}
