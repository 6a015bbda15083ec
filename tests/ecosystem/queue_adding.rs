//! Adding items to a queue: a full queue, a closed one, replaced items, and figures.

use std::pin::pin;
use std::sync::Arc;
use std::thread;

use breaker_runtime::queue::{Delivery, PushError, PushErrorKind, RetryQueue};
use breaker_runtime::{BreakerError, CircuitBreaker, Config, Registry, State, circuit_breaker, testing};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::queue_support::{circuit, counts, seconds};

#[tokio::test]
async fn a_full_queue_returns_the_item_and_counts_it_as_refused() {
    let breaker = circuit("full queue");
    let queue = RetryQueue::in_memory(&breaker, 2);
    let ids = [queue.push("a").await.unwrap(), queue.push("b").await.unwrap()];
    assert!(ids[0] < ids[1]);
    let error = queue.push("c").await.unwrap_err();
    assert!(matches!(error.kind(), PushErrorKind::Full));
    assert_eq!(*error.item(), "c");
    assert_eq!(error.into_item(), "c");
    let counts = counts(&breaker);
    assert_eq!((counts.length, counts.capacity, counts.queued, counts.refused), (2, 2, 2, 1));
}

#[tokio::test]
async fn a_queue_of_capacity_0_refuses_every_item() {
    let breaker = circuit("capacity 0");
    let queue = RetryQueue::in_memory(&breaker, 0);
    for item in ["a", "b"] {
        assert_eq!(queue.push(item).await.unwrap_err().into_item(), item);
        let error = queue.push_or_replace(item).await.unwrap_err();
        assert!(matches!(error.kind(), PushErrorKind::Full));
        assert_eq!(error.into_item(), item);
    }
    assert_eq!((counts(&breaker).length, counts(&breaker).refused), (0, 4));
}

#[test]
fn capacities_of_any_size_are_added_up_without_overflow() {
    const SHOWN: u64 = 1 << 48;
    let breaker = circuit("huge capacities");
    let huge = RetryQueue::<u32>::in_memory(&breaker, usize::MAX);
    let small = RetryQueue::<u32>::in_memory(&breaker, 10);
    assert_eq!(counts(&breaker).capacity, SHOWN + 10);
    drop(small);
    assert_eq!(counts(&breaker).capacity, SHOWN);
    drop(huge);
    assert_eq!(counts(&breaker).capacity, 0);
}

#[tokio::test]
async fn a_full_queue_can_replace_its_oldest_item_and_returns_it() {
    let breaker = circuit("replaced items");
    let queue = RetryQueue::in_memory(&breaker, 2);
    for item in ["a", "b"] {
        assert_eq!(queue.push_or_replace(item).await.unwrap(), []);
    }
    assert_eq!(queue.push_or_replace("c").await.unwrap(), [Arc::new("a")]);
    let counts = counts(&breaker);
    assert_eq!((counts.length, counts.queued, counts.discarded, counts.refused), (2, 3, 1, 0));
    assert_eq!(queue.take_items(), [Arc::new("b"), Arc::new("c")]);
}

#[tokio::test]
async fn the_item_that_is_being_delivered_is_neither_replaced_nor_taken() {
    let breaker = circuit("replaced during its delivery");
    let queue = RetryQueue::in_memory(&breaker, 1);
    queue.push(1).await.unwrap();
    let (started, finish) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let signals = (Arc::clone(&started), Arc::clone(&finish));
    let drain = queue.drain(move |_| {
        let (started, finish) = (Arc::clone(&signals.0), Arc::clone(&signals.1));
        async move {
            started.notify_one();
            finish.notified().await;
            Delivery::Done
        }
    });
    let drain = tokio::spawn(drain.run());
    started.notified().await;
    assert_eq!(queue.push_or_replace(2).await.unwrap(), []);
    assert_eq!(queue.push_or_replace(3).await.unwrap(), [Arc::new(2)]);
    assert_eq!(counts(&breaker).length, 2);
    assert_eq!(queue.take_items(), [Arc::new(3)]);
    queue.close();
    finish.notify_one();
    drain.await.unwrap();
    assert_eq!((counts(&breaker).length, counts(&breaker).delivered, counts(&breaker).discarded), (0, 1, 2));
}

#[test]
fn producers_in_threads_never_exceed_the_capacity_and_lose_no_item() {
    let breaker = circuit("many producers");
    let queue = RetryQueue::in_memory(&breaker, 500);
    let refused: Vec<u32> = thread::scope(|scope| {
        let producers = [0, 1, 2, 3].map(|producer| {
            let queue = &queue;
            scope.spawn(move || -> Vec<u32> {
                let items = (0..200).map(|nth| producer * 200 + nth);
                items.filter_map(|item| queue.push_blocking(item).err()).map(PushError::into_item).collect()
            })
        });
        producers.into_iter().flat_map(|producer| producer.join().unwrap()).collect()
    });
    assert_eq!(refused.len(), 300);
    assert_eq!((counts(&breaker).length, counts(&breaker).refused), (500, 300));
    let mut all: Vec<u32> = queue.take_items().iter().map(|item| **item).chain(refused).collect();
    all.sort_unstable();
    assert_eq!(all, (0..800).collect::<Vec<_>>());
}

#[test]
fn threads_that_replace_items_lose_none_and_keep_the_capacity() {
    let breaker = circuit("many replacing producers");
    let queue = RetryQueue::in_memory(&breaker, 10);
    let mut all: Vec<u32> = thread::scope(|scope| {
        let producers = [0, 1, 2, 3].map(|producer| {
            let queue = &queue;
            scope.spawn(move || -> Vec<u32> {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let items = (0..200).map(|nth| producer * 200 + nth);
                let replaced = items.flat_map(|item| runtime.block_on(queue.push_or_replace(item)).unwrap());
                replaced.map(|item| *item).collect()
            })
        });
        producers.into_iter().flat_map(|producer| producer.join().unwrap()).collect()
    });
    assert_eq!(counts(&breaker).length, 10);
    all.extend(queue.take_items().iter().map(|item| **item));
    all.sort_unstable();
    assert_eq!(all, (0..800).collect::<Vec<_>>());
}

#[tokio::test]
async fn counts_of_the_queues_of_a_circuit_are_added_up_and_lengths_end_with_the_queue() {
    let breaker = circuit("two queues");
    assert_eq!(breaker.snapshot().queue, None);
    let first = RetryQueue::in_memory(&breaker, 2);
    let second = RetryQueue::in_memory(&breaker, 3);
    first.push(1).await.unwrap();
    second.push(2).await.unwrap();
    let other = first.clone();
    drop(first);
    assert_eq!((counts(&breaker).length, counts(&breaker).capacity), (2, 5), "a clone shares the queue");
    drop(other);
    let counts = counts(&breaker);
    assert_eq!((counts.length, counts.capacity, counts.queued), (1, 3, 2));
}

#[tokio::test]
async fn the_queues_of_keys_are_added_up_also_after_their_removal() {
    let hosts = Registry::new().register_keyed("queues of keys", Config::default(), 10).unwrap();
    let queues = ["a", "b"].map(|key| RetryQueue::in_memory(&hosts.get(key), 5));
    for queue in &queues {
        queue.push(1).await.unwrap();
    }
    hosts.remove("a");
    let sum = hosts.snapshot().queue.unwrap();
    assert_eq!((sum.length, sum.capacity, sum.queued), (2, 10, 2));
    drop(queues);
    let sum = hosts.snapshot().queue.unwrap();
    assert_eq!((sum.length, sum.capacity, sum.queued), (0, 0, 2));
}

#[test]
fn a_queue_that_is_created_in_a_scope_belongs_to_the_circuit_of_the_scope() {
    #[circuit_breaker(name = "queue of a scope", fallback = |_| Ok(later(queue, order)))]
    fn capture(queue: &RetryQueue<u32>, order: u32) -> Result<bool, BreakerError> {
        Ok(order > 0)
    }
    fn later(queue: &RetryQueue<u32>, order: u32) -> bool {
        queue.push_blocking(order).is_err()
    }
    for order in [1, 2] {
        testing::scope(|_| {
            let breaker = Registry::global().get("queue of a scope").unwrap();
            let queue = RetryQueue::in_memory(&breaker, 10);
            breaker.force_open();
            assert!(!capture(&queue, order).unwrap());
            assert_eq!(counts(&breaker).length, 1);
            assert_eq!(queue.take_items(), [Arc::new(order)]);
        });
    }
}

#[tokio::test(start_paused = true)]
async fn a_queue_follows_the_removed_circuit_of_its_key() {
    let registry = Registry::new();
    let shops = registry.register_keyed("queue of a removed key", Config::default(), 10).unwrap();
    let circuit = shops.get("a");
    circuit.force_open();
    let queue = RetryQueue::in_memory(&circuit, 10);
    queue.push(1).await.unwrap();
    let removed = shops.remove("a").unwrap();
    assert_eq!(shops.get("a").state(), State::Closed);
    let mut run = pin!(queue.drain(|_| async { Delivery::Done }).run());
    timeout(seconds(3600), run.as_mut()).await.unwrap_err();
    assert_eq!(counts(&removed).delivered, 0);
    removed.release();
    timeout(seconds(1), run).await.unwrap_err();
    assert_eq!(counts(&removed).delivered, 1);
}

#[tokio::test]
async fn a_closed_queue_returns_the_item_and_its_drain_ends() {
    let breaker = circuit("closed queue");
    let queue = RetryQueue::in_memory(&breaker, 5);
    queue.push(1).await.unwrap();
    queue.close();
    queue.close();
    assert!(queue.is_closed());
    let error = queue.push(2).await.unwrap_err();
    assert!(matches!(error.kind(), PushErrorKind::Closed));
    assert!(
        error.to_string().starts_with(r#"circuit breaker "closed queue": the queue is closed"#),
        "{error}"
    );
    assert_eq!(queue.push_or_replace(3).await.unwrap_err().into_item(), 3);
    queue.drain(|_| async { Delivery::Done }).run().await;
    assert_eq!(queue.take_items(), [Arc::new(1)]);
}

#[test]
fn a_sync_function_queues_a_rejected_call_in_one_line() {
    #[circuit_breaker(
        breaker = breaker,
        fallback = |_| queue.push_blocking(order).map(|_| "queued").map_err(|full| full.into_item().into())
    )]
    fn capture(
        breaker: &CircuitBreaker,
        queue: &RetryQueue<u32>,
        order: u32,
    ) -> Result<&'static str, Refused> {
        _ = (queue, order);
        Ok("captured")
    }

    #[derive(Debug, PartialEq)]
    enum Refused {
        Order(u32),
        Circuit(BreakerError),
    }

    impl From<u32> for Refused {
        fn from(order: u32) -> Self {
            Self::Order(order)
        }
    }

    impl From<BreakerError> for Refused {
        fn from(error: BreakerError) -> Self {
            Self::Circuit(error)
        }
    }

    let breaker = circuit("sync fallback");
    let queue = RetryQueue::in_memory(&breaker, 1);
    assert_eq!(capture(&breaker, &queue, 1), Ok("captured"));
    breaker.force_open();
    assert_eq!(capture(&breaker, &queue, 2), Ok("queued"));
    assert_eq!(capture(&breaker, &queue, 3), Err(Refused::Order(3)));
    assert_eq!(queue.take_items(), [Arc::new(2)]);
    let fallbacks = breaker.snapshot().totals.fallbacks;
    assert_eq!((breaker.state(), fallbacks.successes, fallbacks.failures), (State::ForcedOpen, 1, 1));
}

#[tokio::test]
async fn an_async_function_queues_a_rejected_call_in_one_line() {
    #[circuit_breaker(breaker = breaker, fallback = async |_| queue.push(*order).await.is_ok())]
    async fn capture(breaker: &CircuitBreaker, queue: &RetryQueue<u32>, order: &u32) -> bool {
        _ = (queue, order);
        true
    }

    let breaker = circuit("async fallback");
    let queue = RetryQueue::in_memory(&breaker, 1);
    breaker.force_open();
    assert!(capture(&breaker, &queue, &1).await);
    assert!(!capture(&breaker, &queue, &2).await);
    assert_eq!(queue.take_items(), [Arc::new(1)]);
}
