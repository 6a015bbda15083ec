//! The retry budget: a share of the successes of the last ten seconds and a floor, counted once for all handles.

use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{BreakerError, CircuitBreaker, Config, Mode, Outcome, Registry, RetryBudget, State};

use crate::support::{Fixture, NANO, RECOVERY, settings};

const SECOND: Duration = Duration::from_secs(1);

fn succeed(breaker: &CircuitBreaker, times: u64) {
    (0..times).for_each(|_| _ = breaker.try_acquire().unwrap().settle(Outcome::Success));
}

/// Makes retries until the budget is used up, and returns their number.
fn use_up(budget: &RetryBudget) -> u64 {
    (0..100_000).take_while(|_| budget.try_retry()).count() as u64
}

#[test]
fn a_tenth_of_the_successes_and_ten_retries_are_allowed_by_default() {
    let Fixture { breaker, .. } = Fixture::new();
    let budget = breaker.budget();
    assert_eq!(budget.remaining(), 10);
    succeed(&breaker, 29);
    assert_eq!(budget.remaining(), 12, "2.9 of them are 2");
    succeed(&breaker, 1);
    assert_eq!(use_up(&budget), 13);
    assert_eq!(budget.remaining(), 0);
    succeed(&breaker, 10);
    assert_eq!(use_up(&budget), 1, "each ten successes allow another retry");
}

#[test]
fn only_successes_are_counted_and_among_them_retries_trial_calls_and_slow_calls() {
    let slow = settings().slow_call(SECOND).window_time(Duration::from_secs(60)).minimum_calls(100);
    let Fixture { clock, breaker } = Fixture::with(slow.success_threshold(1));
    let budget = breaker.budget().with_share(1.0).unwrap().with_floor(1);
    breaker.try_acquire().unwrap().settle(Outcome::Ignored);
    breaker.try_acquire().unwrap().settle(Outcome::Failure);
    assert_eq!(budget.remaining(), 1);
    assert!(budget.try_retry());
    succeed(&breaker, 1); // the retry
    assert_eq!(budget.remaining(), 1);
    let permit = breaker.try_acquire().unwrap();
    clock.advance(SECOND);
    permit.settle(Outcome::Success);
    assert_eq!(budget.remaining(), 2, "a slow success is a success");
    breaker.force_open();
    breaker.try_acquire().unwrap_err();
    assert_eq!(budget.remaining(), 2, "a rejected call is not counted");
    breaker.release();
    (0..2).for_each(|_| _ = breaker.try_acquire().unwrap().settle(Outcome::Failure));
    clock.advance(RECOVERY);
    assert_eq!(budget.remaining(), 1, "all of it has left the window");
    succeed(&breaker, 1);
    assert_eq!((breaker.state(), budget.remaining()), (State::Closed, 2), "a trial call is a success");
}

#[test]
fn successes_from_before_the_first_handle_are_not_counted() {
    let Fixture { breaker, .. } = Fixture::new();
    succeed(&breaker, 1000);
    assert_eq!(breaker.budget().remaining(), 10);
    succeed(&breaker, 10);
    assert_eq!(breaker.budget().remaining(), 11, "the count goes on although the first handle is gone");
}

#[test]
fn a_retry_stays_counted_for_at_least_the_window() {
    let Fixture { clock, breaker } = Fixture::new();
    let budget = breaker.budget().with_floor(1);
    clock.advance(SECOND - NANO);
    assert!(budget.try_retry());
    clock.advance(RetryBudget::WINDOW);
    assert!(!budget.try_retry(), "at least 10 s");
    clock.advance(NANO);
    assert!(budget.try_retry(), "10 s and the rest of a slice");
    clock.advance(RetryBudget::WINDOW + SECOND - NANO);
    assert!(!budget.try_retry(), "at most 11 s");
    clock.advance(NANO);
    assert!(budget.try_retry());
}

#[test]
fn no_retry_is_allowed_while_the_circuit_would_reject_it_and_none_is_counted() {
    let Fixture { clock, breaker } = Fixture::open();
    let budget = breaker.budget();
    assert!(!budget.try_retry());
    assert_eq!(budget.remaining(), 10);
    clock.advance(RECOVERY);
    assert!(budget.try_retry(), "a trial call is due");
    let _trials = [breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap()];
    assert!(!budget.try_retry(), "all trial slots are in use");
    breaker.force_open();
    assert!(!budget.try_retry());
    breaker.disable();
    assert!(budget.try_retry(), "a disabled circuit rejects nothing");
    assert_eq!(budget.remaining(), 8, "and the budget still counts");
}

#[test]
fn no_retry_is_allowed_while_every_slot_is_in_use() {
    let Fixture { breaker, .. } = Fixture::with(settings().max_concurrent(1));
    let budget = breaker.budget();
    let running = breaker.try_acquire().unwrap();
    assert!(!budget.try_retry());
    drop(running);
    assert!(budget.try_retry());
}

#[test]
fn a_retry_inside_a_call_that_has_the_last_slot_is_allowed_like_a_call_there() {
    let trial = Fixture::with(settings().half_open_max_calls(1));
    trial.trip();
    trial.clock.advance(RECOVERY);
    let bulkhead = Fixture::with(settings().max_concurrent(1));
    for Fixture { breaker, .. } in [trial, bulkhead] {
        let budget = breaker.budget();
        let is_allowed = || {
            let is_admitted = breaker.call(|| Ok::<(), BreakerError>(())).is_ok();
            let is_allowed = budget.try_retry();
            assert_eq!(is_allowed, is_admitted, "{:?}", breaker.state());
            is_allowed
        };
        let inside = || {
            assert!(is_allowed());
            let elsewhere = std::thread::scope(|scope| scope.spawn(is_allowed).join().unwrap());
            assert!(!elsewhere, "another thread is not in the call");
            breaker.force_open();
            assert!(!is_allowed());
            Ok::<(), BreakerError>(())
        };
        breaker.call(inside).unwrap();
        assert_eq!(budget.remaining(), 9);
    }
}

#[tokio::test]
async fn a_retry_inside_an_async_call_that_has_the_last_slot_is_allowed() {
    let Fixture { breaker, .. } = Fixture::with(settings().max_concurrent(1));
    let budget = breaker.budget();
    let inside = async {
        tokio::task::yield_now().await;
        Ok::<bool, BreakerError>(budget.try_retry())
    };
    assert!(breaker.call_async(inside).await.unwrap());
}

#[test]
fn shadow_mode_rejects_no_retry_but_the_budget_still_applies() {
    let Fixture { breaker, .. } = Fixture::with(settings().mode(Mode::Shadow));
    let budget = breaker.budget();
    breaker.force_open();
    assert_eq!(use_up(&budget), 10);
}

#[test]
fn successes_from_before_a_long_outage_allow_no_retry_after_it() {
    let Fixture { clock, breaker } = Fixture::new();
    let budget = breaker.budget().with_floor(0);
    clock.advance(SECOND);
    succeed(&breaker, 1000);
    (0..2).for_each(|_| _ = breaker.try_acquire().unwrap().settle(Outcome::Failure));
    // A handle that is used while the circuit rejects calls takes note of the successes.
    assert!(!budget.try_retry());
    clock.advance(RECOVERY);
    assert_eq!(budget.remaining(), 0);
}

#[test]
fn handles_with_different_limits_count_the_same_retries() {
    let Fixture { breaker, .. } = Fixture::new();
    let cautious = breaker.budget().with_floor(2);
    let ample = breaker.clone().budget().with_floor(5);
    assert_eq!(use_up(&cautious), 2);
    assert_eq!(use_up(&ample), 3, "two of its five retries are used");
    assert!(!cautious.try_retry() && !ample.clone().try_retry());
}

#[test]
fn limits_from_nothing_to_the_largest_are_exact() {
    let Fixture { breaker, .. } = Fixture::new();
    let budget = breaker.budget();
    succeed(&breaker, 100);
    let share = |share: f64| budget.clone().with_floor(0).with_share(share).unwrap().remaining();
    assert_eq!([0.0, -0.0, 1.0, f64::MIN_POSITIVE].map(share), [0, 0, 100, 0]);
    assert_eq!([0.29, 0.57, 0.58, 0.07].map(share), [29, 57, 58, 7], "no rounding error");
    let largest = budget.clone().with_floor(u32::MAX).with_share(1.0).unwrap();
    assert_eq!(largest.remaining(), u64::from(u32::MAX) + 100);
    assert!(largest.try_retry());
    for share in [f64::NAN, -0.1, 1.000_001, f64::INFINITY, f64::NEG_INFINITY] {
        let error = budget.clone().with_share(share).unwrap_err();
        assert_eq!(error.to_string(), "the share of a retry budget must be between 0 and 1");
    }
}

#[test]
fn each_key_has_a_budget_of_its_own_and_a_handle_keeps_its_circuit() {
    let clock = Clock::new();
    let registry = Registry::with_clock(&clock);
    let hosts = registry.register_keyed("hosts", Config::default(), 1).unwrap();
    let first = hosts.get("eu-1").budget();
    assert_eq!(use_up(&first), 10);
    assert_eq!(hosts.get("eu-1").budget().remaining(), 0);
    assert_eq!(hosts.get("eu-2").key(), None, "the handle keeps the circuit of the first key");
    drop(first);
    assert_eq!(hosts.get("eu-2").key(), Some("eu-2"));
    assert_eq!(hosts.get("eu-2").budget().remaining(), 10);
}

#[test]
fn the_debug_output_shows_the_limits_and_what_remains() {
    let Fixture { breaker, .. } = Fixture::new();
    let text = format!("{:?}", breaker.budget().with_floor(3));
    assert_eq!(text, "RetryBudget { name: \"bench\", key: None, share: 0.1, floor: 3, remaining: 3, .. }");
}
