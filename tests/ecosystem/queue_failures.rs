//! Stores that fail, in memory and in `SQLite` files: nothing is lost, and nothing is delivered twice.

use std::fs;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use breaker_runtime::CircuitBreaker;
use breaker_runtime::queue::{Delivery, PushErrorKind, QueueStore as _, RetryQueue};
use rusqlite::Connection;
use tokio::time::timeout;

use crate::queue_support::{DiskFull, Log, TestStore, circuit, counts, poll_once, seconds};
use crate::sqlite_store::{Capture, SqliteStore};

#[tokio::test]
async fn a_store_that_cannot_add_an_item_returns_it_with_its_error() {
    let breaker = circuit("failing push");
    let queue = RetryQueue::with_store(&breaker, TestStore::default(), 10).await.unwrap();
    queue.store().failing_pushes.store(1, Ordering::SeqCst);
    let error = queue.push(7).await.unwrap_err();
    assert_eq!(error.kind(), &PushErrorKind::Store(DiskFull));
    let text = r#"circuit breaker "failing push": the store of the queue failed: the disk is full; the item is in no queue"#;
    assert_eq!(error.to_string(), text);
    assert_eq!(error.into_item(), 7);
    assert_eq!((counts(&breaker).length, counts(&breaker).refused), (0, 1));
    queue.push(8).await.unwrap();
}

#[tokio::test]
async fn an_item_whose_removal_had_an_effect_and_an_error_is_returned() {
    let breaker = circuit("unconfirmed removal");
    let queue = RetryQueue::with_store(&breaker, TestStore::default(), 1).await.unwrap();
    queue.push_or_replace(1).await.unwrap();
    queue.store().unconfirmed_removals.store(1, Ordering::SeqCst);
    let replaced = queue.push_or_replace(2).await.unwrap();
    assert_eq!(replaced.iter().map(|item| **item).collect::<Vec<_>>(), [1]);
    assert_eq!((counts(&breaker).length, counts(&breaker).discarded), (1, 1));
    // An item that is still in the store is in the queue.
    queue.store().failing_removals.store(1, Ordering::SeqCst);
    assert_eq!(queue.push_or_replace(3).await.unwrap(), []);
    assert_eq!(counts(&breaker).length, 2);
}

/// Something that removes the oldest item while a replacement is suspended.
#[derive(Clone, Copy, Debug)]
enum Rival {
    Drain,
    Replacement,
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_delivered_or_replaced_during_a_failing_replacement_is_returned_once() {
    for (polls, rival) in (0..15).flat_map(|polls| [(polls, Rival::Drain), (polls, Rival::Replacement)]) {
        let breaker = circuit("rivals of a replacement");
        let queue = RetryQueue::with_store(&breaker, TestStore::default(), 2).await.unwrap();
        let log = Log::new();
        let mut replaced = Vec::new();
        for item in 1..=2 {
            queue.push(item).await.unwrap();
        }
        let mut replacement = pin!(queue.push_or_replace(3));
        let mut end = None;
        for _ in 0..polls {
            if let Poll::Ready(result) = poll_once(replacement.as_mut()) {
                end = Some(result);
                break;
            }
        }
        match rival {
            // Delivers one item.
            Rival::Drain => _ = timeout(Duration::from_millis(50), queue.drain(log.handler()).run()).await,
            Rival::Replacement => replaced.extend(queue.push_or_replace(4).await.unwrap()),
        }
        queue.store().failing_removals.store(1, Ordering::SeqCst);
        let result = match end {
            Some(result) => result,
            None => replacement.await,
        };
        replaced.extend(result.unwrap_or_default());
        queue.store().failing_removals.store(0, Ordering::SeqCst);
        _ = timeout(seconds(60), queue.drain(log.handler()).run()).await;
        let counts = counts(&breaker);
        let is_counted =
            (counts.delivered, counts.discarded) == (log.items().len() as u64, replaced.len() as u64);
        assert!(is_counted, "{rival:?} after {polls} polls: {counts:?}");
        let mut all = log.items();
        all.extend(replaced.iter().map(|item| **item));
        all.sort_unstable();
        assert_eq!(
            all,
            (1..=u32::try_from(counts.queued).unwrap()).collect::<Vec<_>>(),
            "{rival:?} after {polls} polls"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_is_reported_and_read_again_after_pauses() {
    let breaker = circuit("failing read");
    let queue = RetryQueue::with_store(&breaker, TestStore::default(), 10).await.unwrap();
    queue.push(1).await.unwrap();
    queue.store().failing_reads.store(4, Ordering::SeqCst);
    let (log, errors) = (Log::new(), Arc::new(Mutex::new(Vec::new())));
    let report = Arc::clone(&errors);
    let drain = queue.drain(|item| {
        log.add(*item);
        async { Delivery::Done }
    });
    let drain = drain.on_store_error(move |error| report.lock().unwrap().push(*error));
    timeout(seconds(60), drain.run()).await.unwrap_err();
    assert_eq!(*errors.lock().unwrap(), [DiskFull; 4]);
    assert_eq!(log.millis(), [15_000]);
    assert_eq!(queue.store().reads.load(Ordering::SeqCst), 6, "the drain reads only after its pauses");
    assert_eq!(counts(&breaker).delivered, 1);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_was_delivered_but_cannot_be_removed_is_not_delivered_again() {
    let breaker = circuit("failing removal");
    let queue = RetryQueue::with_store(&breaker, TestStore::default(), 10).await.unwrap();
    for item in 1..=2 {
        queue.push(item).await.unwrap();
    }
    queue.store().failing_removals.store(2, Ordering::SeqCst);
    let log = Log::new();
    let drain = || {
        queue
            .drain(|item| {
                log.add(*item);
                async { Delivery::Done }
            })
            .on_store_error(|_| {})
    };
    // Another drain continues with the removal.
    timeout(Duration::from_millis(500), drain().run()).await.unwrap_err();
    assert_eq!((log.items(), counts(&breaker).length), (vec![1], 2));
    timeout(seconds(60), drain().run()).await.unwrap_err();
    assert_eq!(log.items(), [1, 2]);
    assert_eq!((counts(&breaker).length, counts(&breaker).delivered), (0, 2));
}

#[tokio::test]
async fn a_store_that_removes_nothing_refuses_replacements_above_the_capacity() {
    let breaker = circuit("replacements that fail");
    let queue = RetryQueue::with_store(&breaker, TestStore::default(), 2).await.unwrap();
    queue.store().failing_removals.store(usize::MAX, Ordering::SeqCst);
    for item in 1..=3 {
        assert_eq!(queue.push_or_replace(item).await.unwrap(), []);
    }
    let error = queue.push_or_replace(4).await.unwrap_err();
    assert_eq!(error.kind(), &PushErrorKind::Store(DiskFull));
    assert_eq!(error.into_item(), 4);
    assert_eq!((counts(&breaker).length, counts(&breaker).refused), (3, 1));
    queue.store().failing_removals.store(0, Ordering::SeqCst);
    assert_eq!(queue.push_or_replace(5).await.unwrap(), [1, 2].map(Arc::new));
    assert_eq!(counts(&breaker).length, 2);
}

/// A file that is removed at the end of its test.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("breaker-{}-{name}.sqlite", std::process::id()));
        _ = fs::remove_file(&path);
        Self(path)
    }

    async fn queue(&self, breaker: &CircuitBreaker, capacity: usize) -> RetryQueue<Capture, SqliteStore> {
        RetryQueue::with_store(breaker, SqliteStore::open(&self.0).unwrap(), capacity).await.unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        _ = fs::remove_file(&self.0);
    }
}

fn capture(order: u32) -> Capture {
    Capture { order, cents: 995 }
}

/// Delivers everything that is in the queue, and returns the orders.
async fn deliver_all(queue: &RetryQueue<Capture, SqliteStore>) -> Vec<u32> {
    let log = Log::new();
    let drain = queue.drain(|item| {
        log.add(item.order);
        async { Delivery::Done }
    });
    let drain = drain.interval(Duration::ZERO).run();
    let close = async {
        while queue.store().count().await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
        queue.close();
    };
    tokio::join!(drain, close);
    log.items()
}

#[tokio::test]
async fn the_items_in_a_file_are_delivered_in_order_by_the_next_process() {
    let file = File::new("reopened");
    let first = circuit("first process");
    let queue = file.queue(&first, 3).await;
    for order in [5, 3, 4] {
        queue.push(capture(order)).await.unwrap();
    }
    assert!(matches!(queue.push(capture(9)).await.unwrap_err().kind(), PushErrorKind::Full));
    drop(queue);
    let second = circuit("second process");
    let queue = file.queue(&second, 3).await;
    assert_eq!((counts(&second).length, counts(&second).capacity), (3, 3));
    assert_eq!(deliver_all(&queue).await, [5, 3, 4]);
    assert_eq!((counts(&second).length, counts(&second).delivered), (0, 3));
}

#[tokio::test]
async fn an_item_whose_process_ended_between_delivery_and_removal_is_delivered_again() {
    let file = File::new("crash");
    let breaker = circuit("crash");
    let queue = file.queue(&breaker, 10).await;
    for order in 1..=2 {
        queue.push(capture(order)).await.unwrap();
    }
    // The deletion of a row fails, so the process ends with a delivered item in its file.
    let trigger = "CREATE TRIGGER crash BEFORE DELETE ON captures BEGIN SELECT RAISE(ABORT, 'crash'); END";
    Connection::open(&file.0).unwrap().execute_batch(trigger).unwrap();
    let log = Log::new();
    let failed = Arc::new(tokio::sync::Notify::new());
    let report = Arc::clone(&failed);
    let drain = queue.drain(|item| {
        log.add(item.order);
        async { Delivery::Done }
    });
    let drain = drain.on_store_error(move |_| report.notify_one());
    tokio::select! {
        () = drain.run() => panic!("the queue is open"),
        () = failed.notified() => {}
    }
    drop(queue);
    Connection::open(&file.0).unwrap().execute_batch("DROP TRIGGER crash").unwrap();
    assert_eq!(log.items(), [1]);
    assert_eq!(deliver_all(&file.queue(&breaker, 10).await).await, [1, 2]);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_an_error_and_stays_as_it_is() {
    let file = File::new("garbage");
    let garbage = "this is no database, but the notes of a user ".repeat(100);
    fs::write(&file.0, &garbage).unwrap();
    let error = SqliteStore::open(&file.0).err().unwrap();
    assert!(error.to_string().contains("not a database"), "{error}");
    assert_eq!(fs::read_to_string(&file.0).unwrap(), garbage);
}

#[tokio::test]
async fn a_file_that_is_damaged_while_it_is_in_use_returns_new_items_and_reports_errors() {
    let file = File::new("damaged");
    let breaker = circuit("damaged file");
    let queue = file.queue(&breaker, 10).await;
    queue.push(capture(1)).await.unwrap();
    let intact = fs::read(&file.0).unwrap();
    fs::write(&file.0, vec![0xA5; intact.len()]).unwrap();
    assert_eq!(queue.push(capture(2)).await.unwrap_err().into_item(), capture(2));
    let failed = Arc::new(tokio::sync::Notify::new());
    let report = Arc::clone(&failed);
    let drain = queue.drain(|_| async { panic!("nothing can be read") as Delivery });
    tokio::select! {
        () = drain.on_store_error(move |_| report.notify_one()).run() => panic!("the queue is open"),
        () = failed.notified() => {}
    }
    fs::write(&file.0, intact).unwrap();
    assert_eq!(deliver_all(&file.queue(&breaker, 10).await).await, [1]);
}

#[tokio::test]
async fn a_row_that_is_no_capture_is_set_aside_and_the_others_are_delivered() {
    let file = File::new("invalid-row");
    drop(SqliteStore::open(&file.0).unwrap());
    let connection = Connection::open(&file.0).unwrap();
    let rows =
        "INSERT INTO captures (order_id, cents) VALUES (1, -5), (2, 10), ('three', 10), (4, 10), (5, x'00')";
    connection.execute_batch(rows).unwrap();
    let breaker = circuit("invalid row");
    let queue = file.queue(&breaker, 3).await;
    assert_eq!(deliver_all(&queue).await, [2, 4]);
    let invalid: Vec<u32> = connection
        .prepare("SELECT id FROM invalid_captures ORDER BY id")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(invalid, [1, 3, 5]);
    assert_eq!((counts(&breaker).length, counts(&breaker).delivered), (0, 2));
}

#[tokio::test]
async fn a_full_disk_returns_the_item_and_keeps_the_others() {
    let file = File::new("disk-full");
    let breaker = circuit("full disk");
    let connection = Connection::open(&file.0).unwrap();
    connection.execute_batch("PRAGMA page_size = 512; PRAGMA max_page_count = 4").unwrap();
    let store = SqliteStore::new(connection).unwrap();
    let queue = RetryQueue::with_store(&breaker, store, usize::MAX).await.unwrap();
    let mut stored = 0;
    let refused = loop {
        match queue.push(capture(stored + 1)).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert!(refused.to_string().contains("database or disk is full"), "{refused}");
    assert_eq!(refused.into_item(), capture(stored + 1));
    assert!(stored > 10, "{stored}");
    assert_eq!(deliver_all(&queue).await, (1..=stored).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn producers_in_tasks_share_a_file_without_exceeding_its_capacity() {
    let file = File::new("producers");
    let breaker = circuit("producers of a file");
    let queue = file.queue(&breaker, 30).await;
    let producers = [0, 100].map(|first| {
        let queue = queue.clone();
        tokio::spawn(async move {
            let mut refused = Vec::new();
            for order in first..first + 20 {
                refused.extend(queue.push(capture(order)).await.err().map(|error| error.into_item().order));
            }
            refused
        })
    });
    let mut all = Vec::new();
    for producer in producers {
        all.extend(producer.await.unwrap());
    }
    assert_eq!(all.len(), 10);
    let delivered = deliver_all(&queue).await;
    let of = |first| delivered.iter().copied().filter(move |order| (first..first + 20).contains(order));
    assert!(of(0).is_sorted() && of(100).is_sorted(), "{delivered:?}");
    all.extend(delivered);
    all.sort_unstable();
    assert_eq!(all, (0..20).chain(100..120).collect::<Vec<_>>());
}
