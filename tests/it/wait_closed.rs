//! `wait_closed`, which waits until a circuit no longer rejects calls.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Wake};

use breaker_runtime::testing::Clock;
use breaker_runtime::{Config, KeyedBreaker, Outcome, Registry, State};

use crate::support::{Fixture, RECOVERY, poll_once};

/// Polls the wait and returns `true` if it completed.
fn is_over<F: Future<Output = ()>>(closed: Pin<&mut F>) -> bool {
    poll_once(closed).is_ready()
}

/// The ways to remove the circuit of the key "eu-1".
const REMOVALS: [fn(&KeyedBreaker); 2] =
    [|hosts| _ = hosts.remove("eu-1"), |hosts| hosts.retain(|host, _| host != "eu-1")];

#[test]
fn a_closed_or_disabled_circuit_completes_the_wait_at_once() {
    let fixture = Fixture::new();
    assert!(is_over(pin!(fixture.breaker.wait_closed())));
    fixture.breaker.disable();
    assert!(is_over(pin!(fixture.breaker.wait_closed())));
}

#[test]
fn the_wait_completes_when_the_trial_calls_succeeded() {
    let fixture = Fixture::open();
    let mut closed = pin!(fixture.breaker.wait_closed());
    assert!(!is_over(closed.as_mut()));
    fixture.clock.advance(RECOVERY);
    assert!(!is_over(closed.as_mut()));
    fixture.call(Outcome::Success);
    assert!(!is_over(closed.as_mut()));
    fixture.call(Outcome::Success);
    assert!(is_over(closed.as_mut()));
}

#[test]
fn the_wait_continues_while_the_circuit_changes_between_rejecting_states() {
    let fixture = Fixture::ready_for_trial();
    let mut closed = pin!(fixture.breaker.wait_closed());
    assert!(!is_over(closed.as_mut()));
    drop(fixture.permit());
    assert!(!is_over(closed.as_mut()));
    fixture.call(Outcome::Failure);
    assert!(!is_over(closed.as_mut()));
    fixture.breaker.force_open();
    assert!(!is_over(closed.as_mut()));
    fixture.breaker.release();
    assert!(is_over(closed.as_mut()));
}

#[test]
fn the_removal_of_a_circuit_ends_the_waits_for_it_and_no_others() {
    for remove in REMOVALS {
        let hosts = Registry::new().register_keyed("hosts", Config::default(), 10).unwrap();
        let [removed, kept] = ["eu-1", "eu-2"].map(|key| hosts.get(key));
        removed.force_open();
        kept.force_open();
        let task = Arc::new(Counts::default());
        let waker = Arc::clone(&task).into();
        let (mut closed, mut other) = (pin!(removed.wait_closed()), pin!(kept.wait_closed()));
        assert!(closed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(!is_over(other.as_mut()));
        remove(&hosts);
        assert_eq!(task.0.load(Ordering::Relaxed), 1);
        assert!(is_over(closed));
        assert!(!is_over(other));
    }
}

#[test]
fn a_wait_for_a_circuit_that_was_removed_before_ends_at_once_in_any_state() {
    for remove in REMOVALS {
        let clock = Clock::new();
        let config = Config::builder().failure_threshold(1).recovery_timeout(RECOVERY).build().unwrap();
        let hosts = Registry::with_clock(&clock).register_keyed("hosts", config, 10).unwrap();
        let removed = hosts.get("eu-1");
        removed.try_acquire().unwrap().settle(Outcome::Failure);
        let created_before = removed.wait_closed();
        remove(&hosts);
        assert!(is_over(pin!(created_before)));
        assert_eq!(removed.state(), State::Open);
        assert!(is_over(pin!(removed.wait_closed())));
        clock.advance(RECOVERY);
        let _trial = removed.try_acquire().unwrap();
        assert_eq!(removed.state(), State::HalfOpen);
        assert!(is_over(pin!(removed.wait_closed())));
        removed.force_open();
        assert!(is_over(pin!(removed.wait_closed())));
    }
}

#[test]
fn a_wait_created_before_the_change_and_polled_after_it_completes() {
    let fixture = Fixture::open();
    let closed = fixture.breaker.wait_closed();
    fixture.breaker.reset();
    assert!(is_over(pin!(closed)));
}

#[test]
fn a_wait_considers_the_current_state_only() {
    let fixture = Fixture::open();
    let mut closed = pin!(fixture.breaker.wait_closed());
    assert!(!is_over(closed.as_mut()));
    fixture.breaker.reset();
    fixture.trip();
    assert!(!is_over(closed.as_mut()));
}

#[test]
fn a_wait_can_be_cancelled() {
    let fixture = Fixture::open();
    for _ in 0..100 {
        assert!(!is_over(pin!(fixture.breaker.wait_closed())));
    }
    let mut closed = pin!(fixture.breaker.wait_closed());
    assert!(!is_over(closed.as_mut()));
    fixture.breaker.reset();
    assert!(is_over(closed.as_mut()));
}

#[tokio::test]
async fn every_waiting_task_is_woken() {
    let fixture = Fixture::open();
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let breaker = fixture.breaker.clone();
            tokio::spawn(async move { breaker.wait_closed().await })
        })
        .collect();
    tokio::task::yield_now().await;
    fixture.breaker.force_close();
    for wait in waiting {
        wait.await.unwrap();
    }
}

#[test]
fn a_task_that_waits_on_another_thread_is_woken() {
    for _ in 0..100 {
        let fixture = Fixture::open();
        std::thread::scope(|scope| {
            let breaker = &fixture.breaker;
            let waiting = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(breaker.wait_closed());
            });
            breaker.reset();
            waiting.join().unwrap();
        });
    }
}

/// A task whose waker panics.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker of the user");
    }
}

#[test]
fn a_waker_that_panics_affects_neither_the_caller_nor_other_waiting_tasks() {
    let fixture = Fixture::open();
    let panics = Arc::new(Panics).into();
    let mut first = pin!(fixture.breaker.wait_closed());
    assert!(first.as_mut().poll(&mut Context::from_waker(&panics)).is_pending());
    let woken = Arc::new(Counts::default());
    let waker = Arc::clone(&woken).into();
    let mut others: Vec<_> = (0..100).map(|_| Box::pin(fixture.breaker.wait_closed())).collect();
    for other in &mut others {
        assert!(other.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    fixture.breaker.reset();
    assert_eq!(woken.0.load(Ordering::Relaxed), 100);
    assert!(others.iter_mut().all(|other| is_over(other.as_mut())));
}

/// A task that counts how often it is woken.
#[derive(Default)]
struct Counts(AtomicU32);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_wait_that_is_dropped_leaves_no_waker_behind() {
    let fixture = Fixture::open();
    let task = Arc::new(Counts::default());
    let waker = Arc::clone(&task).into();
    assert!(pin!(fixture.breaker.wait_closed()).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&task), 1);
    fixture.breaker.reset();
    assert_eq!(task.0.load(Ordering::Relaxed), 0);
}
