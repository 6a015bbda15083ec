//! Pushes and drains that are dropped at each of their awaits, by polling them step by step.

use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use breaker_runtime::queue::{Delivery, RetryQueue};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::queue_support::{TestStore, circuit, counts, poll_once, seconds};

/// Deliveries that have started and those that have ended.
#[derive(Default)]
struct Deliveries {
    started: Mutex<Vec<u32>>,
    ended: Mutex<Vec<u32>>,
    is_running: AtomicBool,
}

impl Deliveries {
    async fn deliver(&self, item: u32) -> Delivery {
        self.is_running.store(true, Ordering::SeqCst);
        self.started.lock().expect("no test panics here").push(item);
        for _ in 0..3 {
            yield_now().await;
        }
        self.ended.lock().expect("no test panics here").push(item);
        self.is_running.store(false, Ordering::SeqCst);
        Delivery::Done
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_is_dropped_at_any_await_loses_no_item_and_repeats_only_a_running_delivery() {
    for polls in 0..200 {
        let breaker = circuit("dropped drain");
        let queue = RetryQueue::with_store(&breaker, TestStore::default(), 10).await.unwrap();
        for item in 1..=3 {
            queue.push(item).await.unwrap();
        }
        let deliveries = Deliveries::default();
        let drain = || queue.drain(|item| deliveries.deliver(*item)).interval(Duration::ZERO).run();
        {
            let mut dropped = pin!(drain());
            for _ in 0..polls {
                assert!(poll_once(dropped.as_mut()).is_pending());
            }
        }
        let repeats = usize::from(deliveries.is_running.load(Ordering::SeqCst));
        timeout(seconds(60), drain()).await.unwrap_err();
        assert_eq!(*deliveries.ended.lock().unwrap(), [1, 2, 3], "after {polls} polls");
        assert_eq!(deliveries.started.lock().unwrap().len(), 3 + repeats, "after {polls} polls");
        let counts = counts(&breaker);
        assert_eq!((counts.length, counts.delivered), (0, 3), "after {polls} polls");
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_that_is_dropped_at_any_await_adds_its_item_once_or_not_at_all() {
    let mut added = Vec::new();
    for polls in 0..5 {
        let breaker = circuit("dropped push");
        let queue = RetryQueue::with_store(&breaker, TestStore::default(), 10).await.unwrap();
        {
            let mut push = pin!(queue.push(1));
            for _ in 0..polls {
                if poll_once(push.as_mut()).is_ready() {
                    break;
                }
            }
        }
        queue.push(2).await.unwrap();
        let deliveries = Deliveries::default();
        let drain = queue.drain(|item| deliveries.deliver(*item)).run();
        timeout(seconds(60), drain).await.unwrap_err();
        let ended = deliveries.ended.lock().unwrap().clone();
        assert!(ended == [2] || ended == [1, 2], "{ended:?}");
        assert_eq!(counts(&breaker).length, 0);
        added.push(ended.len() == 2);
    }
    assert!(!added[0] && added[4], "{added:?}");
}

#[tokio::test(start_paused = true)]
async fn the_length_is_read_again_after_a_push_whose_future_was_dropped() {
    let breaker = circuit("length after a dropped push");
    let queue = RetryQueue::with_store(&breaker, TestStore::default(), 10).await.unwrap();
    breaker.force_open();
    {
        let mut push = pin!(queue.push(1));
        for _ in 0..2 {
            assert!(poll_once(push.as_mut()).is_pending());
        }
    }
    assert_eq!(counts(&breaker).length, 0, "the future was dropped after the item was stored");
    timeout(seconds(1), queue.drain(|_| async { Delivery::Done }).run()).await.unwrap_err();
    assert_eq!(counts(&breaker).length, 1);
}
