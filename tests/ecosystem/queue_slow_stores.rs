//! Stores whose operations take time and go on when their futures are dropped, as those on other threads do. The clock is
//! tokio's, paused.

#![expect(clippy::disallowed_methods, reason = "the clock is paused, so no test waits")]

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use breaker_runtime::queue::{Delivery, InMemory, PushError, QueueStore, QueuedItem, RetryQueue};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::queue_support::{Log, circuit, counts, poll_once, seconds};

const MS: Duration = Duration::from_millis(1);

/// A store in memory whose operations take time. A push goes on when its future is dropped.
#[derive(Clone, Default)]
struct SlowStore {
    items: Arc<InMemory<u32>>,
    push: Duration,
    count: Duration,
    remove: Duration,
    reads: Arc<AtomicUsize>,
}

impl QueueStore<u32> for SlowStore {
    type Error = Infallible;

    async fn push(&self, item: u32, capacity: usize) -> Result<u64, PushError<u32, Infallible>> {
        let store = self.clone();
        let push = async move {
            sleep(store.push).await;
            store.items.push(item, capacity).await
        };
        tokio::spawn(push).await.expect("a push does not panic")
    }

    async fn next(&self, after: Option<u64>) -> Result<Option<QueuedItem<u32>>, Infallible> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.items.next(after).await
    }

    async fn remove(&self, id: u64) -> Result<bool, Infallible> {
        sleep(self.remove).await;
        self.items.remove(id).await
    }

    async fn count(&self) -> Result<usize, Infallible> {
        let count = self.items.count().await;
        sleep(self.count).await;
        count
    }
}

/// Starts a drain that adds its deliveries to `log`.
fn spawn_drain(queue: &RetryQueue<u32, SlowStore>, log: &Log) -> JoinHandle<()> {
    let log = log.clone();
    let drain = queue.drain(move |item| {
        log.add(*item);
        async { Delivery::Done }
    });
    tokio::spawn(drain.run())
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_stored_after_its_push_was_dropped_is_delivered_without_another_push() {
    let breaker = circuit("dropped push that goes on");
    let store = SlowStore { push: 10 * MS, ..SlowStore::default() };
    let queue = RetryQueue::with_store(&breaker, store, 10).await.unwrap();
    let log = Log::new();
    let drain = spawn_drain(&queue, &log);
    sleep(500 * MS).await;
    timeout(5 * MS, queue.push(7)).await.unwrap_err();
    sleep(seconds(2)).await;
    assert_eq!(log.items(), [7]);
    assert_eq!((counts(&breaker).length, counts(&breaker).delivered), (0, 1));
    let reads = queue.store().reads.load(Ordering::SeqCst);
    sleep(seconds(3600)).await;
    let later = queue.store().reads.load(Ordering::SeqCst) - reads;
    assert!((60..70).contains(&later), "{later} reads in an hour");
    drain.abort();
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_stored_after_its_push_was_dropped_is_counted_while_the_circuit_rejects_calls() {
    let breaker = circuit("dropped push of an open circuit");
    breaker.force_open();
    let store = SlowStore { push: 3000 * MS, ..SlowStore::default() };
    let queue = RetryQueue::with_store(&breaker, store, 10).await.unwrap();
    let drain = tokio::spawn(queue.drain(|_| async { Delivery::Done }).run());
    queue.push(6).await.unwrap();
    timeout(5 * MS, queue.push(7)).await.unwrap_err();
    sleep(seconds(180)).await;
    assert_eq!(counts(&breaker).length, 2);
    drain.abort();
}

#[tokio::test(start_paused = true)]
async fn the_length_is_right_after_a_push_that_ended_while_the_items_were_counted() {
    for start in [1, 45] {
        let breaker = circuit("counted during a push");
        let store = SlowStore { push: 10 * MS, count: 50 * MS, ..SlowStore::default() };
        let queue = RetryQueue::with_store(&breaker, store, 10).await.unwrap();
        let drain = tokio::spawn(queue.drain(|_| async { Delivery::Done }).run());
        sleep(500 * MS).await;
        timeout(5 * MS, queue.push(7)).await.unwrap_err();
        breaker.force_open();
        // Wakes the drain, which counts the items for 50 ms.
        queue.push(8).await.unwrap();
        sleep(start * MS).await;
        queue.push(9).await.unwrap();
        sleep(seconds(5)).await;
        assert_eq!(counts(&breaker).length, 3, "{start} ms");
        drain.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn items_behind_one_that_is_being_replaced_are_delivered_meanwhile() {
    let breaker = circuit("slow replacement");
    let store = SlowStore { remove: 10 * MS, ..SlowStore::default() };
    let queue = RetryQueue::with_store(&breaker, store, 2).await.unwrap();
    for item in [1, 2] {
        queue.push(item).await.unwrap();
    }
    // The push runs in another task.
    let mut replacement = pin!(queue.push_or_replace(3));
    assert!(poll_once(replacement.as_mut()).is_pending());
    sleep(MS).await;
    assert!(poll_once(replacement.as_mut()).is_pending());
    let log = Log::new();
    let drain = spawn_drain(&queue, &log);
    sleep(seconds(2)).await;
    assert_eq!(log.items(), [2, 3]);
    let reads = queue.store().reads.load(Ordering::SeqCst);
    assert!(reads < 20, "{reads} reads");
    assert_eq!(replacement.await.unwrap(), [Arc::new(1)]);
    queue.push(4).await.unwrap();
    sleep(seconds(1)).await;
    assert_eq!(log.items(), [2, 3, 4]);
    assert_eq!((counts(&breaker).length, counts(&breaker).discarded), (0, 1));
    drain.abort();
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_an_item_whose_replacement_is_dropped() {
    let breaker = circuit("dropped replacement");
    breaker.force_open();
    let store = SlowStore { remove: 10_000 * MS, ..SlowStore::default() };
    let queue = RetryQueue::with_store(&breaker, store, 1).await.unwrap();
    queue.push(1).await.unwrap();
    let replacing = queue.clone();
    let replacement = tokio::spawn(async move { replacing.push_or_replace(2).await });
    sleep(MS).await;
    breaker.release();
    let log = Log::new();
    let drain = spawn_drain(&queue, &log);
    sleep(seconds(5)).await;
    replacement.abort();
    sleep(seconds(60)).await;
    assert_eq!(log.items(), [2, 1]);
    drain.abort();
}

#[tokio::test(start_paused = true)]
async fn replacements_that_are_dropped_keep_the_capacity() {
    let breaker = circuit("dropped replacements");
    breaker.force_open();
    for step in 0..3 {
        let [count, remove] = [[10, 0], [0, 10], [3, 3]][step];
        let store = SlowStore { count: count * MS, remove: remove * MS, ..SlowStore::default() };
        let queue = RetryQueue::with_store(&breaker, store, 2).await.unwrap();
        for item in 0..50 {
            _ = timeout(5 * MS, queue.push_or_replace(item)).await;
            let items = queue.store().items.count().await.unwrap();
            assert!(items <= 3, "{items} items after {item} with {count} ms and {remove} ms");
        }
        for item in 0..5 {
            queue.push_or_replace(item).await.unwrap();
        }
        assert_eq!(queue.store().count().await, Ok(2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_with_more_items_than_the_capacity_shrinks_with_the_first_replacement() {
    let breaker = circuit("smaller capacity");
    let store = SlowStore::default();
    for item in 1..=5 {
        QueueStore::push(&store, item, 5).await.unwrap();
    }
    let queue = RetryQueue::with_store(&breaker, store, 2).await.unwrap();
    assert_eq!(counts(&breaker).length, 5);
    assert_eq!(queue.push_or_replace(6).await.unwrap(), [1, 2, 3, 4].map(Arc::new));
    assert_eq!((counts(&breaker).length, counts(&breaker).discarded), (2, 4));
}
