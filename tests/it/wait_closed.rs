//! `wait_closed`, which waits until a circuit no longer rejects calls.

use std::pin::{Pin, pin};

use breaker_runtime::Outcome;

use crate::support::{Bench, RECOVERY, poll_once};

/// Polls the wait and returns `true` if it completed.
fn is_over<F: Future<Output = ()>>(closed: Pin<&mut F>) -> bool {
    poll_once(closed).is_ready()
}

#[test]
fn a_closed_or_disabled_circuit_completes_the_wait_at_once() {
    let bench = Bench::new();
    assert!(is_over(pin!(bench.breaker.wait_closed())));
    bench.breaker.disable();
    assert!(is_over(pin!(bench.breaker.wait_closed())));
}

#[test]
fn the_wait_completes_when_the_trial_calls_succeeded() {
    let bench = Bench::open();
    let mut closed = pin!(bench.breaker.wait_closed());
    assert!(!is_over(closed.as_mut()));
    bench.clock.advance(RECOVERY);
    assert!(!is_over(closed.as_mut()));
    bench.end(Outcome::Success);
    assert!(!is_over(closed.as_mut()));
    bench.end(Outcome::Success);
    assert!(is_over(closed.as_mut()));
}

#[test]
fn the_wait_continues_while_the_circuit_changes_between_rejecting_states() {
    let bench = Bench::due();
    let mut closed = pin!(bench.breaker.wait_closed());
    assert!(!is_over(closed.as_mut()));
    drop(bench.permit());
    assert!(!is_over(closed.as_mut()));
    bench.end(Outcome::Failure);
    assert!(!is_over(closed.as_mut()));
    bench.breaker.force_open();
    assert!(!is_over(closed.as_mut()));
    bench.breaker.release();
    assert!(is_over(closed.as_mut()));
}

#[test]
fn a_wait_created_before_the_change_and_polled_after_it_completes() {
    let bench = Bench::open();
    let closed = bench.breaker.wait_closed();
    bench.breaker.reset();
    assert!(is_over(pin!(closed)));
}

#[test]
fn a_wait_considers_the_current_state_only() {
    let bench = Bench::open();
    let mut closed = pin!(bench.breaker.wait_closed());
    assert!(!is_over(closed.as_mut()));
    bench.breaker.reset();
    bench.trip();
    assert!(!is_over(closed.as_mut()));
}

#[test]
fn a_wait_can_be_cancelled() {
    let bench = Bench::open();
    for _ in 0..100 {
        assert!(!is_over(pin!(bench.breaker.wait_closed())));
    }
    let mut closed = pin!(bench.breaker.wait_closed());
    assert!(!is_over(closed.as_mut()));
    bench.breaker.reset();
    assert!(is_over(closed.as_mut()));
}

#[tokio::test]
async fn every_waiting_task_is_woken() {
    let bench = Bench::open();
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let breaker = bench.breaker.clone();
            tokio::spawn(async move { breaker.wait_closed().await })
        })
        .collect();
    tokio::task::yield_now().await;
    bench.breaker.force_close();
    for wait in waiting {
        wait.await.unwrap();
    }
}

#[test]
fn a_task_that_waits_on_another_thread_is_woken() {
    for _ in 0..100 {
        let bench = Bench::open();
        std::thread::scope(|scope| {
            let breaker = &bench.breaker;
            let waiting = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                runtime.block_on(breaker.wait_closed());
            });
            breaker.reset();
            waiting.join().unwrap();
        });
    }
}
