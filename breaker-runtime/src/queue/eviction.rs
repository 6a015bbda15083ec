//! The removal of the oldest item of a queue for a newer one.

use std::sync::Arc;

use super::claims::Eviction;
use super::retry_queue::RetryQueue;
use super::store::QueueStore;

impl<T: Send + Sync + 'static, S: QueueStore<T>> RetryQueue<T, S> {
    /// Removes the oldest item that is neither being delivered nor evicted, if it is older than the one with the id `own`.
    pub(super) async fn evict_before(&self, own: u64) -> Result<Option<Arc<T>>, S::Error> {
        let (store, meter, claims) = (self.store(), self.meter(), self.claims());
        let mut after = None;
        loop {
            let epoch = claims.epoch();
            let Some(oldest) = store.next(after).await?.filter(|oldest| oldest.id < own) else {
                return Ok(None);
            };
            // A drain that has found only items that are being evicted waits for the end of an eviction.
            let _wake = self.wake_on_drop();
            let _evicted = match claims.evict(oldest.id, epoch) {
                Eviction::Claimed(evicted) => evicted,
                Eviction::InUse => {
                    after = Some(oldest.id);
                    continue;
                }
                Eviction::Outdated => continue,
            };
            let operation = meter.start_operation();
            let was_removed = match store.remove(oldest.id).await {
                Ok(was_removed) => was_removed,
                Err(error) if has_item(store, oldest.id).await? => return Err(error),
                // The removal had its effect, only its result was lost.
                Err(_) => true,
            };
            if was_removed {
                meter.discarded(1);
            }
            operation.end();
            if was_removed {
                return Ok(Some(oldest.item));
            }
            after = Some(oldest.id);
        }
    }
}

/// Returns `true` if the store has an item with this id.
async fn has_item<T, S: QueueStore<T>>(store: &S, id: u64) -> Result<bool, S::Error> {
    let next = store.next(id.checked_sub(1)).await?;
    Ok(next.is_some_and(|next| next.id == id))
}
