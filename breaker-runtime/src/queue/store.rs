//! The trait of a store, which keeps the items of a queue. It does not know circuits or deliveries.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::push_error::PushError;

/// A store of the items of a [`RetryQueue`](super::RetryQueue): a table, a file, or memory.
///
/// The queue calls the methods from any thread, several at a time, and holds no lock meanwhile. If a store blocks, as
/// files and `SQLite` do, its methods use `tokio::task::spawn_blocking`. An operation whose future is dropped either
/// has no effect or completes; it must not lose an item.
///
/// One queue at a time may use a store. Two processes that drain one table deliver its items twice.
///
/// The example `queue` of the repository has a store in `SQLite`. This one keeps its items in a map:
///
/// ```
/// use std::collections::BTreeMap;
/// use std::convert::Infallible;
/// use std::sync::{Arc, Mutex};
/// use breaker_runtime::queue::{PushError, QueueStore, QueuedItem};
///
/// #[derive(Default)]
/// struct MapStore(Mutex<(u64, BTreeMap<u64, Arc<String>>)>);
///
/// impl QueueStore<String> for MapStore {
///     type Error = Infallible;
///
///     async fn push(&self, item: String, capacity: usize) -> Result<u64, PushError<String, Infallible>> {
///         let (last_id, items) = &mut *self.0.lock().unwrap();
///         if items.len() >= capacity {
///             return Err(PushError::full(item));
///         }
///         *last_id += 1;
///         items.insert(*last_id, Arc::new(item));
///         Ok(*last_id)
///     }
///
///     async fn next(&self, after: Option<u64>) -> Result<Option<QueuedItem<String>>, Infallible> {
///         let (_, items) = &*self.0.lock().unwrap();
///         let first = after.map_or(0, |id| id + 1);
///         Ok(items.range(first..).next().map(|(&id, item)| QueuedItem::new(id, Arc::clone(item))))
///     }
///
///     async fn remove(&self, id: u64) -> Result<bool, Infallible> {
///         Ok(self.0.lock().unwrap().1.remove(&id).is_some())
///     }
///
///     async fn count(&self) -> Result<usize, Infallible> {
///         Ok(self.0.lock().unwrap().1.len())
///     }
/// }
/// ```
pub trait QueueStore<T>: Send + Sync + 'static {
    /// The error of an operation that failed. A store that cannot fail uses [`Infallible`](std::convert::Infallible).
    type Error: Error + Send + Sync + 'static;

    /// Adds an item behind all others, unless the store has `capacity` items or more, and returns its id.
    ///
    /// The count and the insertion are one step, so that concurrent calls do not exceed the capacity. Ids grow, and the
    /// id of a removed item is not used again, also after a restart. In `SQLite`, a column
    /// `INTEGER PRIMARY KEY AUTOINCREMENT` has these properties.
    ///
    /// # Errors
    ///
    /// Returns the item with [`PushError::full`] or [`PushError::store`].
    fn push(
        &self,
        item: T,
        capacity: usize,
    ) -> impl Future<Output = Result<u64, PushError<T, Self::Error>>> + Send;

    /// Returns the oldest item whose id is greater than `after`, or the oldest of all. The item stays in the store.
    ///
    /// # Errors
    ///
    /// Returns an error if the item cannot be read. It blocks the queue until it can be read, so a store moves data
    /// that it cannot decode out of the way.
    fn next(
        &self,
        after: Option<u64>,
    ) -> impl Future<Output = Result<Option<QueuedItem<T>>, Self::Error>> + Send;

    /// Removes an item. Returns `false` if there is no item with this id.
    ///
    /// # Errors
    ///
    /// Returns an error if the item may still be in the store. The queue then calls this method again.
    fn remove(&self, id: u64) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Returns the number of items.
    ///
    /// # Errors
    ///
    /// Returns an error if the store cannot be read.
    fn count(&self) -> impl Future<Output = Result<usize, Self::Error>> + Send;
}

/// An item in a store, and its id. Clones share the item.
///
/// ```
/// use std::sync::Arc;
/// use breaker_runtime::queue::QueuedItem;
///
/// let queued = QueuedItem::new(17, Arc::new("order 17"));
/// assert_eq!((queued.id, *queued.item), (17, "order 17"));
/// assert!(Arc::ptr_eq(&queued.item, &queued.clone().item));
/// ```
#[non_exhaustive]
pub struct QueuedItem<T> {
    /// The id, which the store chose.
    pub id: u64,
    /// The item.
    pub item: Arc<T>,
}

impl<T> QueuedItem<T> {
    /// Creates an item for [`QueueStore::next`].
    #[must_use]
    pub const fn new(id: u64, item: Arc<T>) -> Self {
        Self { id, item }
    }
}

impl<T> Clone for QueuedItem<T> {
    fn clone(&self) -> Self {
        Self { id: self.id, item: Arc::clone(&self.item) }
    }
}

impl<T> fmt::Debug for QueuedItem<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("QueuedItem").field("id", &self.id).finish_non_exhaustive()
    }
}
