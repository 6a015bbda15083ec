//! A queue of items for a circuit: adding, replacing, and taking back. It does not know how they are delivered.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::claims::Claims;
use super::in_memory::InMemory;
use super::meter::Meter;
use super::pace::Pace;
use super::push_error::{PushError, PushErrorKind};
use super::store::QueueStore;
use crate::breaker::CircuitBreaker;
use crate::sync::blocked_thread::BlockedThread;
use crate::sync::with_caught_waker;

/// A bounded queue of calls that a circuit rejected, which are made later. Clones are cheap and share the queue.
///
/// `T` is what a call needs, such as an order. A fallback adds an item with [`push`](Self::push), and a
/// [drain](Self::drain) delivers the items in order once the circuit admits calls. The
/// [module](crate::queue) shows how.
///
/// ```
/// use breaker_runtime::{CircuitBreaker, Config, queue::RetryQueue};
///
/// let breaker = CircuitBreaker::new("capture", Config::default())?;
/// let queue = RetryQueue::in_memory(&breaker, 1000);
/// queue.clone().push_blocking("order 1")?;
/// assert_eq!(breaker.snapshot().queue.unwrap().length, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RetryQueue<T, S = InMemory<T>> {
    inner: Arc<Inner<T, S>>,
}

struct Inner<T, S> {
    breaker: CircuitBreaker,
    store: S,
    capacity: usize,
    meter: Meter,
    claims: Claims,
    pace: Pace,
    /// Notified when an item is added, when an operation of the store has ended or was dropped, and when the queue is
    /// closed.
    changed: Notify,
    /// Held by the drain that is running; closed together with the queue.
    drain_lock: Semaphore,
    _items: PhantomData<fn(T) -> T>,
}

/// Wakes the drain when it is dropped.
pub(super) struct WakeOnDrop<'a>(&'a Notify);

/// The reason why a wait for a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitEnd {
    Changed,
    Limit,
}

impl<T: Send + Sync + 'static> RetryQueue<T> {
    /// Creates an empty queue in memory. `capacity` is the maximum number of items; with 0, every item is refused.
    ///
    /// The items are lost when the process ends. [`take_items`](Self::take_items) returns those that are left.
    /// [Tests](crate::queue#tests) that use scopes need a queue each instead of a `static`.
    ///
    /// ```
    /// use std::sync::LazyLock;
    /// use breaker_runtime::{Registry, queue::RetryQueue};
    ///
    /// // The circuit of an annotated function with `name = "capture"`.
    /// static LATER: LazyLock<RetryQueue<u64>> = LazyLock::new(|| {
    ///     let breaker = Registry::global().get("capture").expect("a function has this circuit");
    ///     RetryQueue::in_memory(&breaker, 1000)
    /// });
    /// ```
    #[must_use]
    pub fn in_memory(breaker: &CircuitBreaker, capacity: usize) -> Self {
        Self::new(breaker, InMemory::default(), capacity)
    }

    /// Removes and returns all items except the one that is being delivered, oldest first. They count as discarded.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, queue::RetryQueue};
    ///
    /// let breaker = CircuitBreaker::new("capture", Config::default())?;
    /// let queue = RetryQueue::in_memory(&breaker, 10);
    /// queue.push_blocking("order 1")?;
    /// queue.close();
    /// assert_eq!(*queue.take_items()[0], "order 1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "the items are no longer in the queue"]
    pub fn take_items(&self) -> Vec<Arc<T>> {
        let operation = self.inner.meter.start_operation();
        let items = self.inner.claims.evict_all(|claimed| self.inner.store.take(claimed));
        self.inner.meter.discarded(items.len());
        operation.end();
        items
    }
}

impl<T: Send + Sync + 'static, S: QueueStore<T>> RetryQueue<T, S> {
    /// Creates a queue with a store, which may have items from an earlier process. `capacity` is the maximum number of
    /// items; with 0, every item is refused. Items above the capacity that the store has already stay in it.
    ///
    /// # Errors
    ///
    /// Returns the error of the store if its items cannot be counted.
    ///
    /// ```
    /// use breaker_runtime::queue::{InMemory, QueueStore as _, RetryQueue};
    /// use breaker_runtime::{CircuitBreaker, Config};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let breaker = CircuitBreaker::new("capture", Config::default())?;
    /// let store = InMemory::default(); // a table, for example
    /// store.push("order 1", 10).await?; // left by an earlier process
    /// let queue = RetryQueue::with_store(&breaker, store, 10).await?;
    /// assert_eq!((queue.store().count().await?, breaker.snapshot().queue.unwrap().length), (1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn with_store(breaker: &CircuitBreaker, store: S, capacity: usize) -> Result<Self, S::Error> {
        let length = store.count().await?;
        let queue = Self::new(breaker, store, capacity);
        queue.inner.meter.set_length(length);
        Ok(queue)
    }

    fn new(breaker: &CircuitBreaker, store: S, capacity: usize) -> Self {
        let meter = Meter::new(breaker.queue_counters(), capacity);
        let inner = Inner {
            breaker: breaker.clone(),
            store,
            capacity,
            meter,
            claims: Claims::default(),
            pace: Pace::default(),
            changed: Notify::new(),
            drain_lock: Semaphore::new(1),
            _items: PhantomData,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Adds an item behind all others, and returns its id in the store.
    ///
    /// # Errors
    ///
    /// Returns the item and the reason if the queue is full or closed, or if its store failed. Nothing is dropped.
    ///
    /// # Cancellation
    ///
    /// A future that was never polled has no effect and drops the item. Once it was polled, the store decides whether
    /// the item is stored. In memory, the item is stored at the first poll. A store that completes the operation later
    /// does not announce it, so from then on a drain that has nothing to deliver reads the store again, first after the
    /// first [pause](super::Drain::pause) and then after pauses that double up to the longest one.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, queue::RetryQueue};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let breaker = CircuitBreaker::new("capture", Config::default())?;
    /// let queue = RetryQueue::in_memory(&breaker, 10);
    /// queue.push("order 1").await?;
    /// let counts = breaker.snapshot().queue.unwrap();
    /// assert_eq!((counts.length, counts.capacity, counts.queued), (1, 10, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn push(&self, item: T) -> Result<u64, PushError<T, S::Error>> {
        self.try_push(self.inner.capacity, item).await.map_err(|error| self.refuse(error))
    }

    /// Adds an item like [`push`](Self::push), and blocks this thread until the store has it. Use it in fallbacks of
    /// sync functions.
    ///
    /// A queue in memory never blocks. Another store may need a tokio runtime, so call this from a thread of the
    /// runtime that may block, as in `spawn_blocking`.
    ///
    /// # Errors
    ///
    /// Returns the item and the reason, as [`push`](Self::push) does.
    pub fn push_blocking(&self, item: T) -> Result<u64, PushError<T, S::Error>> {
        let thread = BlockedThread::new();
        let mut context = Context::from_waker(thread.waker());
        let mut push = pin!(self.push(item));
        loop {
            match push.as_mut().poll(&mut context) {
                Poll::Ready(result) => return result,
                Poll::Pending => thread.block(None),
            }
        }
    }

    /// Adds an item like [`push`](Self::push). If the queue is full, removes and returns the oldest items that are not
    /// being delivered, which count as discarded. That is one item, or several if the store had more items than the
    /// capacity allows. If the queue was not full, the result is empty.
    ///
    /// The new item is stored before the last old one is removed. So the queue has one item above its capacity for a
    /// moment, while its only item is being delivered, and after a removal that failed; the next call removes that item
    /// first. Items that other calls are removing also count. The drain delivers no such item, and goes on with the
    /// next one.
    ///
    /// # Errors
    ///
    /// Returns the item and the reason if the queue is closed, if its capacity is 0, or if its store failed to add the
    /// item or to remove enough of the older ones. If the store fails to remove the last one, the call succeeds and
    /// both items are in the queue. If a removal has an error but the store then does not have the item any more, the
    /// item is returned like the others. Items that were removed before the store failed are dropped. An item is also
    /// lost if its removal fails and the store cannot be read afterwards.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped while it removes items, these may be lost. While it is neither polled nor dropped, the
    /// item that it was removing stays in the store, and no drain delivers it.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, queue::RetryQueue};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let breaker = CircuitBreaker::new("position", Config::default())?;
    /// let queue = RetryQueue::in_memory(&breaker, 1);
    /// queue.push_or_replace("12:00").await?;
    /// let replaced = queue.push_or_replace("12:01").await?;
    /// assert_eq!(*replaced[0], "12:00");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn push_or_replace(&self, item: T) -> Result<Vec<Arc<T>>, PushError<T, S::Error>> {
        let Inner { capacity, store, claims, .. } = &*self.inner;
        let mut item = item;
        let mut replaced = Vec::new();
        loop {
            let evictions = claims.evictions();
            let error = match self.try_push(self.limit(evictions.running), item).await {
                Ok(own) => {
                    if store.count().await.is_ok_and(|count| count > *capacity) {
                        replaced.extend(self.evict_before(own).await.unwrap_or_default());
                    }
                    return Ok(replaced);
                }
                Err(error) => error,
            };
            if !matches!(error.kind(), PushErrorKind::Full) || *capacity == 0 {
                return Err(self.refuse(error));
            }
            match self.evict_before(u64::MAX).await {
                Ok(Some(evicted)) => replaced.push(evicted),
                // Another call has changed the items meanwhile.
                Ok(None) if claims.evictions() != evictions => tokio::task::yield_now().await,
                Ok(None) => return Err(self.refuse(error)),
                Err(failure) => return Err(self.refuse(PushError::store(error.into_item(), failure))),
            }
            item = error.into_item();
        }
    }

    /// Refuses further items, and ends the [drain](Self::drain) after the delivery that is running. The items that are
    /// left stay in the store. Closing a closed queue has no effect.
    ///
    /// For a graceful shutdown, close the queue after the last call has ended, and await the task of the drain.
    ///
    /// ```
    /// use breaker_runtime::{CircuitBreaker, Config, queue::RetryQueue};
    ///
    /// let breaker = CircuitBreaker::new("capture", Config::default())?;
    /// let queue = RetryQueue::in_memory(&breaker, 10);
    /// queue.close();
    /// assert!(queue.is_closed());
    /// assert_eq!(queue.push_blocking("order 1").unwrap_err().into_item(), "order 1");
    /// # Ok::<(), breaker_runtime::ConfigError>(())
    /// ```
    pub fn close(&self) {
        self.inner.drain_lock.close();
        self.inner.changed.notify_one();
    }

    /// Returns `true` if the queue was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.drain_lock.is_closed()
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.inner.store
    }

    pub(super) fn breaker(&self) -> &CircuitBreaker {
        &self.inner.breaker
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.inner.meter
    }

    pub(super) fn pace(&self) -> &Pace {
        &self.inner.pace
    }

    pub(super) fn claims(&self) -> &Claims {
        &self.inner.claims
    }

    /// Returns a guard that wakes the drain when it is dropped.
    pub(super) fn wake_on_drop(&self) -> WakeOnDrop<'_> {
        WakeOnDrop(&self.inner.changed)
    }

    /// Waits until no other drain is running. Returns `None` if the queue is closed.
    pub(super) async fn wait_turn(&self) -> Option<SemaphorePermit<'_>> {
        with_caught_waker(self.inner.drain_lock.acquire()).await.ok()
    }

    /// Waits until an item is added or the queue is closed, or until `limit` has ended, and returns which. A change
    /// since the last wait ends the wait at once.
    pub(super) async fn wait_changed(&self, limit: impl Future<Output = ()>) -> WaitEnd {
        if self.is_closed() {
            return WaitEnd::Changed;
        }
        let (mut limit, mut changed) = (pin!(limit), pin!(self.inner.changed.notified()));
        with_caught_waker(poll_fn(|context| match changed.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(WaitEnd::Changed),
            Poll::Pending => limit.as_mut().poll(context).map(|()| WaitEnd::Limit),
        }))
        .await
    }

    /// Awaits `wait`, or returns early when the queue is closed.
    pub(super) async fn unless_closed(&self, wait: impl Future<Output = ()>) {
        let mut wait = pin!(wait);
        while !self.is_closed() {
            let mut changed = pin!(self.inner.changed.notified());
            let has_ended = poll_fn(|context| match wait.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(true),
                Poll::Pending => changed.as_mut().poll(context).map(|()| false),
            });
            if with_caught_waker(has_ended).await {
                return;
            }
        }
    }

    /// Reads the length from the store if it is unknown.
    pub(super) async fn refresh_length(&self) -> Result<(), S::Error> {
        if let Some(reading) = self.inner.meter.start_reading() {
            let length = self.inner.store.count().await?;
            self.inner.meter.end_reading(reading, length);
        }
        Ok(())
    }

    /// Returns the maximum number of items for a push that replaces others, while `evicting` items are being removed.
    fn limit(&self, evicting: usize) -> usize {
        match self.inner.capacity {
            0 => 0,
            capacity => capacity.saturating_add(1).saturating_add(evicting),
        }
    }

    /// Counts an item that is not queued.
    fn refuse(&self, error: PushError<T, S::Error>) -> PushError<T, S::Error> {
        self.inner.meter.refused();
        error.with_circuit(self.inner.breaker.circuit().id())
    }

    async fn try_push(&self, limit: usize, item: T) -> Result<u64, PushError<T, S::Error>> {
        let Inner { store, meter, .. } = &*self.inner;
        if self.is_closed() {
            return Err(PushError::closed(item));
        }
        // Wakes the drain also if this future is dropped, because the store may have the item.
        let _wake = self.wake_on_drop();
        let operation = meter.start_operation();
        let result = store.push(item, limit).await;
        if result.is_ok() {
            meter.queued();
        }
        operation.end();
        result
    }
}

impl Drop for WakeOnDrop<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl<T, S> Clone for RetryQueue<T, S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T, S> fmt::Debug for RetryQueue<T, S> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("RetryQueue")
            .field("name", &self.inner.breaker.name())
            .field("capacity", &self.inner.capacity)
            .field("is_closed", &self.inner.drain_lock.is_closed())
            .finish_non_exhaustive()
    }
}
