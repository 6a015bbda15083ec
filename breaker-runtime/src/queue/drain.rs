//! The delivery of the items of a queue, in order, one at a time.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::backoff::Backoff;
use super::claims::{End, Removal};
use super::delivery::Delivery;
use super::retry_queue::{RetryQueue, WaitEnd};
use super::store::QueueStore;
use crate::clock::Sleep;
use crate::error::{BreakerError, ErrorKind};
use crate::failure_text::failure_text;
use crate::state::State;
use crate::warning::warn;

/// Default minimum time between the starts of two deliveries.
const INTERVAL: Duration = Duration::from_millis(100);
/// Default pause after the first failure in a row.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Default of the longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Shortest wait, so that no error or rejection makes the drain run in a loop.
const MIN_WAIT: Duration = Duration::from_millis(1);

/// The delivery of the items of a queue, from [`RetryQueue::drain`]. It does nothing until it [runs](Self::run).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// use std::time::Duration;
/// use breaker_runtime::{CircuitBreaker, Config, queue::RetryQueue};
///
/// let breaker = CircuitBreaker::new("capture", Config::default())?;
/// let queue = RetryQueue::in_memory(&breaker, 1000);
/// queue.push("order 1").await?;
/// let (sender, mut attempts) = tokio::sync::mpsc::unbounded_channel();
/// let mut is_first = true;
/// let drain = queue.drain(move |order| {
///     let result = if is_first { Err("unavailable") } else { Ok(()) }; // the real call
///     is_first = false;
///     sender.send(*order).unwrap();
///     std::future::ready(result)
/// });
/// let drain = drain.interval(Duration::ZERO).pause(Duration::from_millis(5), Duration::from_secs(60));
/// let running = tokio::spawn(drain.run());
/// assert_eq!(attempts.recv().await, Some("order 1"));
/// assert_eq!(attempts.recv().await, Some("order 1")); // delivered again after the pause
/// assert_eq!(breaker.snapshot().totals.failures, 1); // the first attempt
/// queue.close();
/// running.await?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a drain delivers nothing until it runs"]
pub struct Drain<T, S: QueueStore<T>, H> {
    queue: RetryQueue<T, S>,
    handler: H,
    interval: Duration,
    /// The pauses after failed deliveries.
    pauses: Backoff,
    /// The pauses after failures of the store.
    store_pauses: Backoff,
    /// The pauses before a store is read again that may have changed without notice.
    reading_pauses: Backoff,
    on_store_error: Option<ReportError<S::Error>>,
    /// Completes when the next delivery may start.
    pace: Pin<Box<Sleep>>,
}

type ReportError<E> = Box<dyn FnMut(&E) + Send>;

/// The result of one step.
enum Step {
    /// An item was removed, or another one must be chosen.
    Next,
    /// The queue is empty.
    Empty,
    /// The delivery failed.
    Failed,
    /// The store failed.
    StoreFailed,
    /// The circuit admits no call, probably for this time.
    NotAdmitted(Duration),
    /// The circuit rejected a call at random and may admit another one after this time.
    Ramping(Duration),
}

impl<T: Send + Sync + 'static, S: QueueStore<T>> RetryQueue<T, S> {
    /// Creates a drain, which delivers the items with `handler` once it [runs](Drain::run). Nothing is spawned.
    ///
    /// `handler` receives an item and returns a future of a [`Delivery`] or of a `Result<(), E>`. It makes the real
    /// call: not an annotated function of the same circuit, whose fallback would add the item again.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// use breaker_runtime::{CircuitBreaker, Config, queue::RetryQueue};
    ///
    /// let breaker = CircuitBreaker::new("capture", Config::default())?;
    /// let queue = RetryQueue::in_memory(&breaker, 1000);
    /// let (sender, mut delivered) = tokio::sync::mpsc::unbounded_channel();
    /// let drain = tokio::spawn(
    ///     queue
    ///         .drain(move |order| {
    ///             let sender = sender.clone();
    ///             async move { sender.send(*order) } // the real call
    ///         })
    ///         .run(),
    /// );
    /// queue.push(17).await?;
    /// assert_eq!(delivered.recv().await, Some(17));
    /// queue.close();
    /// drain.await?;
    /// assert_eq!(breaker.snapshot().queue.unwrap().delivered, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain<H, F>(&self, handler: H) -> Drain<T, S, H>
    where
        H: FnMut(Arc<T>) -> F + Send,
        F: Future<Output: Into<Delivery>> + Send,
    {
        Drain {
            queue: self.clone(),
            handler,
            interval: INTERVAL,
            pauses: Backoff::new(FIRST_PAUSE, MAX_PAUSE),
            store_pauses: Backoff::new(FIRST_PAUSE, MAX_PAUSE),
            reading_pauses: Backoff::new(FIRST_PAUSE, MAX_PAUSE),
            on_store_error: None,
            pace: Box::pin(Sleep::Never),
        }
    }
}

impl<T, S, H, F> Drain<T, S, H>
where
    T: Send + Sync + 'static,
    S: QueueStore<T>,
    H: FnMut(Arc<T>) -> F + Send,
    F: Future<Output: Into<Delivery>> + Send,
{
    /// Sets the minimum time between the starts of two deliveries, by default 100 ms: ten items per second. With zero,
    /// the next delivery starts when the last one has ended.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// use std::time::{Duration, Instant};
    /// use breaker_runtime::{CircuitBreaker, Config, queue::RetryQueue};
    ///
    /// let breaker = CircuitBreaker::new("mail", Config::default())?;
    /// let queue = RetryQueue::in_memory(&breaker, 1000);
    /// queue.push("mail 1").await?;
    /// queue.push("mail 2").await?;
    /// let start = Instant::now();
    /// let (sender, mut sent) = tokio::sync::mpsc::unbounded_channel();
    /// let interval = Duration::from_millis(20); // at most 50 mails per second
    /// let drain = queue.drain(move |mail| std::future::ready(sender.send(*mail)));
    /// let drain = tokio::spawn(drain.interval(interval).run());
    /// assert_eq!(sent.recv().await, Some("mail 1"));
    /// assert_eq!(sent.recv().await, Some("mail 2"));
    /// assert!(start.elapsed() >= interval);
    /// queue.close();
    /// drain.await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets the pause after a failed delivery or a failure of the store, by default one second. It doubles after each
    /// further failure in a row, up to `max`, by default 60 seconds. A pause takes at least 1 ms.
    pub fn pause(mut self, first: Duration, max: Duration) -> Self {
        self.pauses = Backoff::new(first, max);
        self.store_pauses = self.pauses;
        self.reading_pauses = self.pauses;
        self
    }

    /// Calls `report` with each error of the store. By default, a warning reports the first of several errors in
    /// a row. In both cases the drain tries again after a [pause](Self::pause).
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
    /// use std::io;
    /// # use breaker_runtime::queue::{PushError, QueueStore, QueuedItem};
    /// use breaker_runtime::{CircuitBreaker, Config, queue::RetryQueue};
    ///
    /// /// A store whose items cannot be read.
    /// struct LockedFile;
    /// # impl QueueStore<String> for LockedFile {
    /// #     type Error = io::Error;
    /// #     async fn push(&self, item: String, _: usize) -> Result<u64, PushError<String, io::Error>> {
    /// #         Err(PushError::full(item))
    /// #     }
    /// #     async fn next(&self, _: Option<u64>) -> io::Result<Option<QueuedItem<String>>> {
    /// #         Err(io::Error::other("the file is locked"))
    /// #     }
    /// #     async fn remove(&self, _: u64) -> io::Result<bool> { Ok(false) }
    /// #     async fn count(&self) -> io::Result<usize> { Ok(0) }
    /// # }
    ///
    /// let breaker = CircuitBreaker::new("mail", Config::default())?;
    /// let queue = RetryQueue::with_store(&breaker, LockedFile, 1000).await?;
    /// let (sender, mut errors) = tokio::sync::mpsc::unbounded_channel();
    /// let drain = queue.drain(async |_mail| Ok::<(), String>(()));
    /// let drain = drain.on_store_error(move |error| _ = sender.send(error.to_string()));
    /// let drain = tokio::spawn(drain.run());
    /// assert_eq!(errors.recv().await.unwrap(), "the file is locked");
    /// queue.close();
    /// drain.await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_store_error(mut self, report: impl FnMut(&S::Error) + Send + 'static) -> Self {
        self.on_store_error = Some(Box::new(report));
        self
    }

    /// Delivers the items until the queue is [closed](RetryQueue::close).
    ///
    /// Each delivery is a call of the circuit, which can be its trial call. While the circuit admits no call, the drain
    /// waits: until a trial call is due, or the state changes. New settings announce no change, so the drain looks at
    /// them after at most the longest [pause](Self::pause). Slots of trial calls and of `max_concurrent` that become
    /// free announce no change, so while all are in use, the drain looks for one after each first [pause](Self::pause).
    ///
    /// An item is removed after its delivery has succeeded. A delivery that fails or exceeds `call_timeout` is repeated
    /// after a [pause](Self::pause), before any other item. If another drain of this queue is running, this one waits
    /// for its end. A drain that runs after another one keeps its own interval to the last delivery of the other, and
    /// continues its pauses after failed deliveries.
    ///
    /// # Panics
    ///
    /// Continues a panic of the handler, which counts as a failure of the circuit. The item stays in the queue, and
    /// another drain delivers it again. Panics outside a tokio runtime with timers enabled.
    ///
    /// # Cancellation
    ///
    /// The future can be dropped at any time. No item is lost. An item whose handler was running is delivered again by
    /// the next drain; an item whose handler had completed is not, as long as the process and the queue live. While the
    /// future is neither polled nor dropped, it counts as running, so no other drain starts.
    pub async fn run(mut self) {
        let queue = self.queue.clone();
        let Some(_turn) = queue.wait_turn().await else { return };
        let first_wait = queue.pace().first_wait(queue.breaker().now(), self.interval);
        self.pace.set(queue.breaker().sleep(first_wait));
        self.pauses.failures = queue.pace().failures();
        while !queue.is_closed() {
            let step = self.step(&queue).await;
            self.wait_after(&queue, step).await;
            // A handler and a store that are ready at once must not keep the thread.
            tokio::task::yield_now().await;
        }
    }

    async fn wait_after(&mut self, queue: &RetryQueue<T, S>, step: Step) {
        let breaker = queue.breaker();
        match step {
            Step::Next => {}
            Step::Empty => {
                let limit = self.reading_pause(queue).map_or(Sleep::Never, |pause| breaker.sleep(pause));
                match queue.wait_changed(limit).await {
                    WaitEnd::Changed => self.reading_pauses.reset(),
                    WaitEnd::Limit => queue.meter().set_stale(),
                }
            }
            Step::Failed => {
                let wait = self.pauses.next();
                queue.pace().failed(self.pauses.failures, breaker.now().after(wait));
                pause(queue, wait).await;
            }
            Step::StoreFailed => pause(queue, self.store_pauses.next()).await,
            Step::NotAdmitted(limit) => {
                let limit = match self.reading_pause(queue) {
                    Some(pause) => {
                        queue.meter().set_stale();
                        limit.min(pause)
                    }
                    None => limit,
                };
                queue.unless_closed(breaker.wait_until_admits(limit.max(MIN_WAIT))).await;
            }
            Step::Ramping(wait) => pause(queue, wait).await,
        }
    }

    /// Returns when to read the store again although nothing was announced, if it may have changed without notice.
    fn reading_pause(&mut self, queue: &RetryQueue<T, S>) -> Option<Duration> {
        queue.meter().must_read_later().then(|| self.reading_pauses.next().max(MIN_WAIT))
    }

    async fn step(&mut self, queue: &RetryQueue<T, S>) -> Step {
        match self.try_step(queue).await {
            Ok(step) => {
                self.store_pauses.reset();
                step
            }
            Err(error) => {
                self.report(&error);
                Step::StoreFailed
            }
        }
    }

    /// Removes an item that has been delivered, or delivers the oldest one.
    async fn try_step(&mut self, queue: &RetryQueue<T, S>) -> Result<Step, S::Error> {
        queue.refresh_length().await?;
        if let Some(removal) = queue.claims().removal() {
            remove(queue, removal).await?;
            return Ok(Step::Next);
        }
        queue.unless_closed(self.pace.as_mut()).await;
        if queue.is_closed() {
            return Ok(Step::Next);
        }
        let mut after = None;
        let (epoch, oldest) = loop {
            let epoch = queue.claims().epoch();
            match queue.store().next(after).await? {
                Some(evicted) if queue.claims().is_evicting(evicted.id) => after = Some(evicted.id),
                Some(oldest) => break (epoch, oldest),
                None => {
                    if after.is_none() {
                        // A store that has moved items out of the way has not announced it.
                        queue.meter().expect_empty();
                    }
                    queue.refresh_length().await?;
                    return Ok(Step::Empty);
                }
            }
        };
        if !queue.breaker().would_admit() {
            return Ok(Step::NotAdmitted(self.wait_of(queue)));
        }
        let Some(claimed) = queue.claims().claim(oldest.id, epoch) else {
            return Ok(Step::Next);
        };
        let end = match self.deliver(queue, oldest.item).await {
            Ok(Delivery::Done) => End::Delivered,
            Ok(Delivery::Discard) => End::Discarded,
            Ok(Delivery::Retry(_)) => return Ok(Step::Failed),
            Err(error) => return Ok(self.step_after(queue, &error)),
        };
        // From here on the item is not delivered again, even if the drain is dropped before it is removed.
        let removal = claimed.end(end);
        self.pauses.reset();
        queue.pace().succeeded();
        remove(queue, removal).await?;
        Ok(Step::Next)
    }

    /// Calls the handler through the circuit. The handler is not called if the circuit rejects the call.
    async fn deliver(&mut self, queue: &RetryQueue<T, S>, item: Arc<T>) -> Result<Delivery, BreakerError> {
        let (handler, pace, interval) = (&mut self.handler, self.pace.as_mut(), self.interval);
        let call = async move {
            // A drill may have delayed the call, so the interval begins here.
            let mut pace = pace;
            pace.set(queue.breaker().sleep(interval));
            queue.pace().started(queue.breaker().now());
            handler(item).await.into()
        };
        queue.breaker().call_async_with_text(Delivery::outcome, Delivery::text, call).await
    }

    /// Returns the step after a call that the circuit has rejected or stopped.
    fn step_after(&self, queue: &RetryQueue<T, S>, error: &BreakerError) -> Step {
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::Injected => Step::Failed,
            ErrorKind::Ramping => {
                let wait = error.retry_after().unwrap_or(self.pauses.first);
                Step::Ramping(wait.min(self.pauses.max))
            }
            ErrorKind::Open | ErrorKind::HalfOpen | ErrorKind::ForcedOpen | ErrorKind::BulkheadFull => {
                Step::NotAdmitted(self.wait_of(queue))
            }
        }
    }

    /// Returns how long the circuit admits no call, as far as it is known. Changes of the state end the wait early.
    fn wait_of(&self, queue: &RetryQueue<T, S>) -> Duration {
        let (snapshot, Backoff { first, max, .. }) = (queue.breaker().snapshot(), self.pauses);
        match snapshot.state {
            // The circuit would make a trial call, but no slot is free.
            State::Open if snapshot.retry_after == Some(Duration::ZERO) => first.min(max),
            // New settings may let it admit calls, and announce no change.
            State::Open => snapshot.retry_after.map_or(max, |wait| wait.min(max)),
            State::ForcedOpen => max,
            State::Closed | State::HalfOpen | State::Disabled => first.min(max),
        }
    }

    fn report(&mut self, error: &S::Error) {
        match &mut self.on_store_error {
            Some(report) => report(error),
            None if self.store_pauses.is_reset() => {
                let circuit = self.queue.breaker().circuit().id();
                warn(format_args!(
                    "{circuit}: the store of the queue failed: {}; the drain will try again",
                    failure_text(error)
                ));
            }
            None => {}
        }
    }
}

async fn pause<T: Send + Sync + 'static, S: QueueStore<T>>(queue: &RetryQueue<T, S>, wait: Duration) {
    queue.unless_closed(queue.breaker().sleep(wait.max(MIN_WAIT))).await;
}

async fn remove<T: Send + Sync + 'static, S: QueueStore<T>>(
    queue: &RetryQueue<T, S>,
    Removal { id, end }: Removal,
) -> Result<(), S::Error> {
    let operation = queue.meter().start_operation();
    let was_removed = queue.store().remove(id).await?;
    queue.claims().removed();
    match end {
        End::Delivered => queue.meter().delivered(),
        End::Discarded => queue.meter().discarded(1),
    }
    operation.end();
    if !was_removed {
        // Something else has changed the store.
        queue.meter().set_stale();
    }
    Ok(())
}

impl<T, S: QueueStore<T>, H> fmt::Debug for Drain<T, S, H> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Drain")
            .field("queue", &self.queue)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
