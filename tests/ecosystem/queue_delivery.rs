//! The delivery of queued items: order, rate, retries, and what the circuit makes of it. The clock is tokio's, paused.

#![expect(clippy::disallowed_methods, reason = "the clock is paused, so no test waits")]

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use breaker_runtime::chaos::Drill;
use breaker_runtime::queue::{Delivery, RetryQueue};
use breaker_runtime::{CircuitBreaker, Fault, Mode, Outcome, Registry, State};
use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep, timeout};

use crate::queue_support::{Log, RECOVERY, TestStore, circuit, circuit_with, counts, seconds, settings};

async fn queue_of(breaker: &CircuitBreaker, items: impl IntoIterator<Item = u32>) -> RetryQueue<u32> {
    let queue = RetryQueue::in_memory(breaker, 100);
    for item in items {
        queue.push(item).await.expect("the queue is not full");
    }
    queue
}

/// Delivers until the queue is empty, for at most a day.
async fn drain<F: Future<Output: Into<Delivery>> + Send>(
    breaker: &CircuitBreaker,
    queue: &RetryQueue<u32>,
    handler: impl FnMut(Arc<u32>) -> F + Send,
) {
    let empty = async {
        while counts(breaker).length > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        () = queue.drain(handler).run() => panic!("the queue is not closed"),
        result = timeout(seconds(86_400), empty) => result.expect("the queue becomes empty"),
    }
}

#[tokio::test(start_paused = true)]
async fn items_are_delivered_in_order_and_at_a_bounded_rate() {
    let breaker = circuit("rate");
    let queue = queue_of(&breaker, 1..=5).await;
    let log = Log::new();
    drain(&breaker, &queue, |item| {
        log.add(*item);
        async move {
            sleep(Duration::from_millis(u64::from(*item) * 30)).await;
            Ok::<(), String>(())
        }
    })
    .await;
    assert_eq!(log.items(), [1, 2, 3, 4, 5]);
    // 100 ms between two starts by default; the fourth delivery takes 120 ms.
    assert_eq!(log.millis(), [0, 100, 200, 300, 420]);
    assert_eq!((counts(&breaker).delivered, breaker.snapshot().totals.successes), (5, 5));
}

#[tokio::test(start_paused = true)]
async fn a_failed_delivery_stays_at_the_front_and_is_repeated_after_pauses_that_double() {
    let breaker = circuit_with("pauses", settings().failure_threshold(100));
    let queue = queue_of(&breaker, 1..=2).await;
    let log = Log::new();
    drain(&breaker, &queue, |item| {
        log.add(*item);
        let is_down = log.items().len() < 5;
        async move { if is_down { Err("unavailable") } else { Ok(()) } }
    })
    .await;
    assert_eq!(log.items(), [1, 1, 1, 1, 1, 2]);
    assert_eq!(log.millis(), [0, 1000, 3000, 7000, 15_000, 15_100]);
    assert_eq!((breaker.snapshot().totals.failures, counts(&breaker).delivered), (4, 2));
}

#[tokio::test(start_paused = true)]
async fn pauses_have_a_maximum_and_start_again_after_a_success() {
    let breaker = circuit_with("maximum pause", settings().failure_threshold(100));
    let queue = queue_of(&breaker, 1..=2).await;
    let log = Log::new();
    let handler = |item: Arc<u32>| {
        log.add(*item);
        let nth = log.items().len();
        async move { if [4, 6].contains(&nth) { Delivery::Done } else { Delivery::Retry("down".to_owned()) } }
    };
    let drain = queue.drain(handler).interval(Duration::ZERO).pause(seconds(2), seconds(3));
    timeout(seconds(60), drain.run()).await.unwrap_err();
    assert_eq!(log.millis(), [0, 2000, 5000, 8000, 8000, 10_000]);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_can_never_succeed_is_discarded_and_is_no_failure() {
    let breaker = circuit("poison item");
    let queue = queue_of(&breaker, 1..=3).await;
    let log = Log::new();
    drain(&breaker, &queue, |item| {
        log.add(*item);
        async move { if *item == 2 { Delivery::Discard } else { Delivery::Done } }
    })
    .await;
    assert_eq!(log.items(), [1, 2, 3]);
    assert_eq!((counts(&breaker).delivered, counts(&breaker).discarded), (2, 1));
    assert_eq!((breaker.state(), breaker.snapshot().totals.failures), (State::Closed, 0));
}

#[tokio::test(start_paused = true)]
async fn a_queue_without_other_traffic_closes_its_circuit_with_its_items() {
    let breaker = circuit("trial calls of a queue");
    let queue = queue_of(&breaker, 1..=3).await;
    let log = Log::new();
    drain(&breaker, &queue, |item| {
        log.add(*item);
        let is_down = log.items().len() <= 2;
        async move { if is_down { Err("unavailable") } else { Ok(()) } }
    })
    .await;
    // The first failure opens the circuit, and the trial call fails too.
    assert_eq!(log.items(), [1, 1, 1, 2, 3]);
    assert_eq!(log.entries()[1].at, RECOVERY);
    assert!(log.entries()[2].at >= RECOVERY * 2);
    let snapshot = breaker.snapshot();
    assert_eq!(
        (snapshot.state, snapshot.totals.rejected),
        (State::Closed, 0),
        "it waits without being rejected"
    );
    assert_eq!(snapshot.last_transition.unwrap().last_failure, None);
}

#[tokio::test(start_paused = true)]
async fn the_text_of_a_failed_delivery_is_the_reason_of_the_opening() {
    let breaker = circuit("reason of a delivery");
    let queue = queue_of(&breaker, [1]).await;
    let run = queue.drain(|_| async { Err("503 Service Unavailable") }).run();
    timeout(seconds(5), run).await.unwrap_err();
    let opened = breaker.snapshot().last_transition.unwrap();
    assert_eq!(opened.last_failure.as_deref(), Some("503 Service Unavailable"));
}

#[tokio::test(start_paused = true)]
async fn the_drain_waits_for_the_trial_call_without_polling() {
    let breaker = circuit("no polling");
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    let queue = queue_of(&breaker, [1]).await;
    let polls = AtomicUsize::new(0);
    let log = Log::new();
    let mut run = pin!(queue.drain(log.handler()).run());
    let counted = poll_fn(|context| {
        polls.fetch_add(1, Ordering::SeqCst);
        run.as_mut().poll(context)
    });
    timeout(RECOVERY.saturating_sub(Duration::from_millis(1)), counted).await.unwrap_err();
    assert_eq!(log.items(), [0; 0]);
    assert!(polls.load(Ordering::SeqCst) < 10, "{polls:?}");
}

#[tokio::test(start_paused = true)]
async fn an_operator_who_releases_the_circuit_ends_the_wait_at_once() {
    let breaker = circuit("released circuit");
    breaker.force_open();
    let queue = queue_of(&breaker, [1]).await;
    let log = Log::new();
    let release = async {
        sleep(seconds(7)).await;
        breaker.release();
    };
    tokio::join!(release, drain(&breaker, &queue, log.handler()));
    assert_eq!(log.millis(), [7000]);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_exceeds_call_timeout_is_repeated() {
    let breaker = circuit_with("slow delivery", settings().failure_threshold(9).call_timeout(seconds(2)));
    let queue = queue_of(&breaker, [1]).await;
    let log = Log::new();
    drain(&breaker, &queue, |item| {
        log.add(*item);
        let hangs = log.items().len() == 1;
        async move { if hangs { pending().await } else { Delivery::Done } }
    })
    .await;
    assert_eq!(log.millis(), [0, 3000]);
    assert_eq!((breaker.snapshot().totals.timeouts, counts(&breaker).delivered), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_finds_all_trial_slots_in_use_delivers_soon_after_one_is_free() {
    let settings = settings().half_open_max_calls(1).success_threshold(2);
    let breaker = circuit_with("trial slots in use", settings);
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    sleep(RECOVERY).await;
    let trial = breaker.try_acquire().unwrap();
    let queue = queue_of(&breaker, [1]).await;
    let log = Log::new();
    let drain = tokio::spawn(queue.drain(log.handler()).run());
    sleep(Duration::from_millis(1500)).await;
    trial.settle(Outcome::Success);
    sleep(seconds(1)).await;
    queue.close();
    drain.await.unwrap();
    assert_eq!(log.millis(), [2000]);
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_finds_the_slot_of_an_open_circuit_in_use_looks_for_it_after_each_first_pause() {
    let settings = settings().max_concurrent(1).hang(Duration::from_millis(100));
    let breaker = circuit_with("slot of an open circuit", settings.recovery_timeout(seconds(1)));
    let hanging = breaker.try_acquire().unwrap();
    let queue = RetryQueue::with_store(&breaker, TestStore::default(), 10).await.unwrap();
    queue.push(1).await.unwrap();
    let log = Log::new();
    let drain = tokio::spawn(queue.drain(log.handler()).run());
    sleep(seconds(10)).await;
    // The hanging call opens the circuit, whose trial call finds no slot.
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, Some(Duration::ZERO)));
    let reads = queue.store().reads.load(Ordering::SeqCst);
    assert!(reads < 15, "{reads}");
    hanging.settle(Outcome::Success);
    sleep(seconds(1)).await;
    assert_eq!(log.items(), [1]);
    queue.close();
    drain.await.unwrap();
}

/// Returns the times between the entries of a log, in milliseconds.
fn gaps(log: &Log) -> Vec<u128> {
    log.millis().windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn the_interval_is_kept_between_the_starts_of_handlers_that_a_drill_delays() {
    let registry = Registry::new();
    let breaker = registry.register("delayed deliveries", settings().build().unwrap()).unwrap();
    let fault = Fault::slow(Duration::from_millis(900)).delay_share(0.5);
    let drill = Drill::new(fault, seconds(3600)).start(&registry, "delayed deliveries").unwrap();
    let queue = queue_of(&breaker, 1..=20).await;
    let log = Log::new();
    let drain = tokio::spawn(queue.drain(log.handler()).interval(Duration::from_millis(300)).run());
    sleep(seconds(60)).await;
    drain.abort();
    drill.stop();
    assert_eq!(log.items().len(), 20);
    // The next delivery begins 300 ms after the handler before, and may be delayed by 900 ms.
    assert!(gaps(&log).iter().all(|gap| [300, 1200].contains(gap)), "{:?}", log.millis());
    assert!(gaps(&log).contains(&300) && gaps(&log).contains(&1200), "{:?}", log.millis());
}

#[tokio::test(start_paused = true)]
async fn items_are_delivered_while_the_circuit_closes_gradually() {
    let breaker = circuit_with("ramp of a queue", settings().ramp(seconds(60)));
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    let queue = queue_of(&breaker, 1..=20).await;
    let log = Log::new();
    drain(&breaker, &queue, log.handler()).await;
    assert_eq!(log.items(), (1..=20).collect::<Vec<_>>());
    assert!(log.entries()[19].at < RECOVERY + seconds(120), "{:?}", log.entries());
}

#[tokio::test(start_paused = true)]
async fn a_new_item_wakes_an_idle_drain() {
    let breaker = circuit("idle drain");
    let queue = queue_of(&breaker, []).await;
    let log = Log::new();
    let drain = tokio::spawn(queue.drain(log.handler()).run());
    for item in 1..=2 {
        sleep(seconds(10)).await;
        queue.push(item).await.unwrap();
    }
    sleep(seconds(10)).await;
    assert_eq!(log.millis(), [10_000, 20_000]);
    queue.close();
    drain.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn closing_the_queue_ends_every_wait_of_a_drain_after_its_delivery() {
    for is_open in [false, true] {
        let breaker = circuit("closed during a wait");
        let queue = queue_of(&breaker, [1, 2]).await;
        if is_open {
            breaker.force_open();
        }
        let drain = tokio::spawn(
            queue
                .drain(|_| async {
                    sleep(seconds(5)).await;
                    Delivery::Done
                })
                .run(),
        );
        sleep(seconds(3)).await;
        queue.close();
        let waited = tokio::time::Instant::now();
        drain.await.unwrap();
        let (delivered, rest) = if is_open { (0, 0) } else { (1, 2) };
        assert_eq!(counts(&breaker).delivered, delivered);
        assert_eq!(waited.elapsed(), seconds(rest));
        assert_eq!(queue.take_items().last().map(|item| **item), Some(2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_handler_is_a_failure_and_the_next_drain_delivers_the_item() {
    let breaker = circuit("panic in a delivery");
    let queue = queue_of(&breaker, 1..=2).await;
    let panicking = queue.drain(|_| async { panic!("a bug in the handler") as Delivery });
    assert!(tokio::spawn(panicking.run()).await.unwrap_err().is_panic());
    assert_eq!((breaker.snapshot().totals.failures, breaker.state()), (1, State::Open));
    assert_eq!(counts(&breaker).length, 2);
    let log = Log::new();
    drain(&breaker, &queue, log.handler()).await;
    assert_eq!(log.items(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_second_drain_waits_until_the_first_has_ended() {
    let breaker = circuit("two drains");
    let queue = queue_of(&breaker, 1..=3).await;
    let log = Log::new();
    let started = Arc::new(Notify::new());
    let first = {
        let (log, started) = (log.clone(), Arc::clone(&started));
        queue.drain(move |item| {
            log.add(*item + 10);
            started.notify_one();
            async { pending::<Delivery>().await }
        })
    };
    let first = tokio::spawn(first.run());
    started.notified().await;
    let (sender, receiver) = oneshot::channel::<()>();
    let second = async {
        _ = sender.send(());
        drain(&breaker, &queue, log.handler()).await;
    };
    let end_first = async {
        receiver.await.unwrap();
        sleep(seconds(20)).await;
        assert_eq!(log.items(), [11]);
        first.abort();
    };
    tokio::join!(second, end_first);
    assert_eq!(log.items(), [11, 1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn new_settings_of_an_open_circuit_take_effect_within_the_longest_pause() {
    let open_for_hours = |mode| settings().recovery_timeout(seconds(36_000)).mode(mode);
    let breaker = circuit_with("new settings while open", open_for_hours(Mode::Enforce));
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    let queue = queue_of(&breaker, [1]).await;
    let log = Log::new();
    let deliveries = log.clone();
    // A task of its own: in the task of the test, the drain would be polled by the sleeps of the test.
    let drain = tokio::spawn(
        queue
            .drain(move |item| {
                deliveries.add(*item);
                async { Delivery::Done }
            })
            .run(),
    );
    sleep(seconds(70)).await;
    breaker.set_config(open_for_hours(Mode::Shadow).build().unwrap());
    sleep(seconds(60)).await;
    drain.abort();
    assert!((119..122).contains(&(log.millis()[0] / 1000)), "{:?}", log.millis());
}

#[tokio::test(start_paused = true)]
async fn drains_that_are_dropped_and_started_again_keep_the_interval() {
    let breaker = circuit("restarted drains");
    let queue = queue_of(&breaker, 1..=20).await;
    let log = Log::new();
    while log.elapsed() < Duration::from_millis(2900) {
        let drain = queue.drain(log.handler());
        timeout(Duration::from_millis(7), drain.interval(seconds(1)).run()).await.unwrap_err();
    }
    assert_eq!(log.items(), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn drains_that_are_dropped_and_started_again_keep_the_pauses_after_failures() {
    let breaker = circuit_with("restarted drains that fail", settings().failure_threshold(9));
    let queue = queue_of(&breaker, [1]).await;
    let log = Log::new();
    while log.elapsed() < seconds(8) {
        let drain = queue.drain(|item| {
            log.add(*item);
            async { Err("down") }
        });
        timeout(Duration::from_millis(100), drain.run()).await.unwrap_err();
    }
    let first_seconds: Vec<_> = log.millis().iter().map(|millis| millis / 1000).collect();
    assert_eq!(first_seconds, [0, 1, 3, 7]);
}
