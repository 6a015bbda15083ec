//! Changes of a window by `set_config`: it keeps the calls that fit into the new window.

use std::time::Duration;

use breaker_runtime::{Config, ConfigBuilder, Outcome, State, TripReason};

use crate::support::{Bench, RECOVERY, seconds};

fn calls(calls: u32) -> ConfigBuilder {
    Config::builder().window_calls(calls).consecutive_failures(1000).recovery_timeout(RECOVERY)
}

fn time(time: Duration) -> ConfigBuilder {
    Config::builder().window_time(time).failure_threshold(1000).recovery_timeout(RECOVERY)
}

#[test]
fn a_growing_window_of_calls_keeps_all_calls() {
    let bench = Bench::with(calls(5));
    bench.end_all(Outcome::Failure, 10);
    bench.end_all(Outcome::Success, 3);
    assert_eq!(bench.window(), (5, 2, 0));
    bench.set_config(calls(8));
    assert_eq!(bench.window(), (5, 2, 0));
    bench.end_all(Outcome::Success, 3);
    assert_eq!(bench.window(), (8, 2, 0));
    bench.end(Outcome::Success);
    assert_eq!(bench.window(), (8, 1, 0));
}

// Successes do not write to a full window without failures. This optimization ends when the window grows or a
// call fails.
#[test]
fn a_full_window_of_successes_counts_again_after_it_grows_or_a_call_fails() {
    let bench = Bench::with(calls(2));
    bench.end_all(Outcome::Success, 5);
    assert_eq!(bench.window(), (2, 0, 0));
    bench.set_config(calls(4));
    bench.end(Outcome::Success);
    assert_eq!(bench.window(), (3, 0, 0));
    bench.end_all(Outcome::Success, 5);
    bench.end(Outcome::Failure);
    bench.end_all(Outcome::Success, 3);
    assert_eq!(bench.window(), (4, 1, 0));
    bench.end(Outcome::Success);
    assert_eq!(bench.window(), (4, 0, 0));
}

#[test]
fn a_shrinking_window_of_calls_keeps_the_last_calls() {
    let bench = Bench::with(calls(10));
    bench.end_all(Outcome::Failure, 4);
    bench.end_all(Outcome::Success, 4);
    bench.end_all(Outcome::Failure, 2);
    bench.set_config(calls(5));
    assert_eq!(bench.window(), (5, 2, 0));
    bench.set_config(calls(7));
    assert_eq!(bench.window(), (5, 2, 0));
    bench.end_all(Outcome::Success, 2);
    assert_eq!(bench.window(), (7, 2, 0));
}

#[test]
fn a_window_of_calls_is_exact_after_every_resize() {
    let bench = Bench::with(calls(1));
    let mut held: Vec<bool> = Vec::new();
    for (nth, size) in [3_usize, 7, 2, 10, 10, 1, 4, 64, 5].into_iter().cycle().take(200).enumerate() {
        bench.set_config(calls(u32::try_from(size).unwrap()));
        held.drain(..held.len().saturating_sub(size));
        for call in 0..nth % 6 {
            let failed = (nth * 7 + call) % 3 == 0;
            bench.end(if failed { Outcome::Failure } else { Outcome::Success });
            held.push(failed);
            held.drain(..held.len().saturating_sub(size));
            let failures = held.iter().filter(|failed| **failed).count();
            assert_eq!(bench.window(), (held.len() as u64, failures as u64, 0), "{nth} {size}");
        }
    }
}

#[test]
fn a_shrinking_window_of_time_drops_calls_that_are_too_old() {
    let bench = Bench::with(time(seconds(100)));
    bench.end(Outcome::Failure);
    bench.clock.advance(seconds(50));
    bench.end(Outcome::Failure);
    bench.end(Outcome::Success);
    bench.clock.advance(seconds(9));
    bench.set_config(time(seconds(20)));
    assert_eq!(bench.window(), (2, 1, 0));
    bench.clock.advance(seconds(21));
    assert_eq!(bench.window(), (0, 0, 0));
}

#[test]
fn a_growing_window_of_time_keeps_its_calls_longer() {
    let bench = Bench::with(time(seconds(10)));
    bench.end(Outcome::Failure);
    bench.end(Outcome::Success);
    bench.clock.advance(seconds(5));
    bench.set_config(time(seconds(1000)));
    assert_eq!(bench.window(), (2, 1, 0));
    bench.clock.advance(seconds(890));
    bench.end(Outcome::Success);
    assert_eq!(bench.window(), (3, 1, 0));
    bench.clock.advance(seconds(110));
    assert_eq!(bench.window(), (1, 0, 0));
}

#[test]
fn successes_of_all_threads_are_kept_when_a_window_of_time_is_resized() {
    let bench = Bench::with(time(seconds(10)));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| bench.end_all(Outcome::Success, 10));
        }
    });
    bench.end(Outcome::Failure);
    for length in [20, 5, 100, 1] {
        bench.set_config(time(seconds(length)));
        assert_eq!(bench.window(), (81, 1, 0), "{length}");
        bench.clock.advance(Duration::from_millis(10));
    }
    bench.end_all(Outcome::Success, 5);
    assert_eq!(bench.window(), (86, 1, 0));
}

// The counts of a thread are carried over to a resized window once, even if the first length returns.
#[test]
fn successes_are_kept_once_when_a_window_of_time_is_resized_back_and_forth() {
    let bench = Bench::with(time(seconds(10)));
    for held in 1..=8 {
        bench.end(Outcome::Success);
        bench.set_config(time(seconds(20)));
        assert_eq!(bench.window(), (held, 0, 0));
        bench.set_config(time(seconds(10)));
        assert_eq!(bench.window(), (held, 0, 0));
    }
}

#[test]
fn a_window_of_another_kind_starts_empty_and_keeps_consecutive_failures() {
    let bench = Bench::with(calls(10));
    bench.end_all(Outcome::Failure, 3);
    for settings in [time(seconds(10)), calls(10), time(seconds(20))] {
        bench.set_config(settings);
        assert_eq!(bench.window(), (0, 0, 0));
        bench.end(Outcome::Failure);
        bench.end(Outcome::Failure);
        assert_eq!(bench.window(), (2, 2, 0));
    }
    assert_eq!(bench.breaker.snapshot().consecutive_failures, 9);
}

#[test]
fn a_window_can_be_added_and_removed() {
    let bench = Bench::with(Config::builder().failure_threshold(4));
    bench.end_all(Outcome::Failure, 3);
    assert!(bench.breaker.snapshot().window.is_none());
    bench.set_config(calls(10).failure_threshold(3));
    assert_eq!((bench.window(), bench.breaker.snapshot().consecutive_failures), ((0, 0, 0), 3));
    bench.end_all(Outcome::Failure, 2);
    assert_eq!((bench.breaker.state(), bench.window()), (State::Closed, (2, 2, 0)));
    bench.set_config(Config::builder().failure_threshold(6));
    assert!(bench.breaker.snapshot().window.is_none());
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::ConsecutiveFailures { failures: 6, limit: 6 });
}

#[test]
fn a_call_that_started_before_the_window_enters_it_when_it_ends() {
    for window in [calls(10), time(seconds(10))] {
        let bench = Bench::with(Config::builder().failure_threshold(4));
        let (success, failure) = (bench.permit(), bench.permit());
        bench.set_config(window);
        success.settle(Outcome::Success);
        failure.settle(Outcome::Failure);
        assert_eq!(bench.window(), (2, 1, 0));
    }
}

#[test]
fn a_new_rule_applies_to_the_calls_already_in_the_window() {
    let bench = Bench::with(calls(10));
    bench.end_all(Outcome::Success, 4);
    bench.end_all(Outcome::Failure, 5);
    bench.set_config(Config::builder().window_calls(10).failure_rate(0.6).recovery_timeout(RECOVERY));
    assert_eq!(bench.breaker.state(), State::Closed);
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailureRate { failures: 6, calls: 10, limit: 0.6 });
}

#[test]
fn a_new_slow_call_applies_to_calls_that_start_after_it() {
    let bench = Bench::with(calls(10));
    let before = bench.permit();
    bench.set_config(calls(10).slow_call(seconds(1)).slow_call_rate(1.0));
    let after = bench.permit();
    bench.clock.advance(seconds(1));
    before.settle(Outcome::Success);
    after.settle(Outcome::Success);
    assert_eq!(bench.window(), (2, 0, 1));
    assert_eq!(bench.breaker.snapshot().durations.unwrap().count(), 1);
}

#[test]
fn the_window_of_an_open_circuit_can_change() {
    let bench = Bench::with(calls(10).failure_threshold(2));
    bench.end_all(Outcome::Failure, 2);
    for settings in [calls(20), time(seconds(10)), calls(3)] {
        bench.set_config(settings);
        assert_eq!((bench.breaker.state(), bench.window()), (State::Open, (0, 0, 0)));
    }
    bench.breaker.reset();
    bench.end(Outcome::Failure);
    assert_eq!(bench.window(), (1, 1, 0));
}
