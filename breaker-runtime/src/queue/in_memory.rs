//! The store that keeps its items in memory. No lock is held while an item is dropped.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use super::push_error::PushError;
use super::store::{QueueStore, QueuedItem};
use crate::sync::{Mutex, lock};

/// A store in memory, which never fails. Its items are lost when the process ends.
///
/// [`RetryQueue::in_memory`](super::RetryQueue::in_memory) creates it.
///
/// ```
/// use breaker_runtime::queue::{QueueStore as _, RetryQueue};
/// use breaker_runtime::{CircuitBreaker, Config};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let breaker = CircuitBreaker::new("capture", Config::default())?;
/// let queue = RetryQueue::in_memory(&breaker, 10);
/// let id = queue.push("order 1").await?;
/// let oldest = queue.store().next(None).await?.unwrap();
/// assert_eq!((oldest.id, *oldest.item), (id, "order 1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct InMemory<T>(Mutex<Items<T>>);

struct Items<T> {
    last_id: u64,
    /// In the order of their ids.
    queue: VecDeque<QueuedItem<T>>,
}

impl<T> InMemory<T> {
    /// Removes and returns all items except the one with the id `except`, oldest first.
    pub(super) fn take(&self, except: Option<u64>) -> Vec<Arc<T>> {
        let mut items = lock(&self.0);
        let (kept, taken): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut items.queue).into_iter().partition(|queued| Some(queued.id) == except);
        items.queue = kept;
        taken.into_iter().map(|queued| queued.item).collect()
    }
}

impl<T> Default for InMemory<T> {
    fn default() -> Self {
        Self(Mutex::new(Items { last_id: 0, queue: VecDeque::new() }))
    }
}

impl<T: Send + Sync + 'static> QueueStore<T> for InMemory<T> {
    type Error = Infallible;

    async fn push(&self, item: T, capacity: usize) -> Result<u64, PushError<T, Infallible>> {
        let mut items = lock(&self.0);
        if items.queue.len() >= capacity {
            return Err(PushError::full(item));
        }
        items.last_id += 1;
        let id = items.last_id;
        items.queue.push_back(QueuedItem::new(id, Arc::new(item)));
        Ok(id)
    }

    async fn next(&self, after: Option<u64>) -> Result<Option<QueuedItem<T>>, Infallible> {
        let items = lock(&self.0);
        let index = after.map_or(0, |after| items.queue.partition_point(|queued| queued.id <= after));
        Ok(items.queue.get(index).cloned())
    }

    async fn remove(&self, id: u64) -> Result<bool, Infallible> {
        let mut items = lock(&self.0);
        let index = items.queue.binary_search_by_key(&id, |queued| queued.id).ok();
        let removed = index.and_then(|index| items.queue.remove(index));
        drop(items);
        Ok(removed.is_some())
    }

    async fn count(&self) -> Result<usize, Infallible> {
        Ok(lock(&self.0).queue.len())
    }
}

impl<T> fmt::Debug for InMemory<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = lock(&self.0).queue.len();
        out.debug_struct("InMemory").field("count", &count).finish_non_exhaustive()
    }
}
