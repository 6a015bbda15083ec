//! Changes of a window by `set_config`: it keeps the calls that fit into the new window.

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Outcome, Registry, State, TripReason, testing};

use crate::support::{Fixture, RECOVERY, Recorded, seconds, settings};

fn calls(calls: u32) -> ConfigBuilder {
    Config::builder().window_calls(calls).consecutive_failures(1000).recovery_timeout(RECOVERY)
}

fn time(time: Duration) -> ConfigBuilder {
    Config::builder().window_time(time).failure_threshold(1000).recovery_timeout(RECOVERY)
}

#[test]
fn a_growing_count_based_window_keeps_all_calls() {
    let fixture = Fixture::with(calls(5));
    fixture.call_times(Outcome::Failure, 10);
    fixture.call_times(Outcome::Success, 3);
    assert_eq!(fixture.window(), Recorded { calls: 5, failures: 2, slow: 0 });
    fixture.set_config(calls(8));
    assert_eq!(fixture.window(), Recorded { calls: 5, failures: 2, slow: 0 });
    fixture.call_times(Outcome::Success, 3);
    assert_eq!(fixture.window(), Recorded { calls: 8, failures: 2, slow: 0 });
    fixture.call(Outcome::Success);
    assert_eq!(fixture.window(), Recorded { calls: 8, failures: 1, slow: 0 });
}

// Successes do not write to a full window without failures. This optimization ends when the window grows or a
// call fails.
#[test]
fn a_full_window_of_successes_counts_again_after_it_grows_or_a_call_fails() {
    let fixture = Fixture::with(calls(2));
    fixture.call_times(Outcome::Success, 5);
    assert_eq!(fixture.window(), Recorded { calls: 2, failures: 0, slow: 0 });
    fixture.set_config(calls(4));
    fixture.call(Outcome::Success);
    assert_eq!(fixture.window(), Recorded { calls: 3, failures: 0, slow: 0 });
    fixture.call_times(Outcome::Success, 5);
    fixture.call(Outcome::Failure);
    fixture.call_times(Outcome::Success, 3);
    assert_eq!(fixture.window(), Recorded { calls: 4, failures: 1, slow: 0 });
    fixture.call(Outcome::Success);
    assert_eq!(fixture.window(), Recorded { calls: 4, failures: 0, slow: 0 });
}

#[test]
fn a_shrinking_count_based_window_keeps_the_last_calls() {
    let fixture = Fixture::with(calls(10));
    fixture.call_times(Outcome::Failure, 4);
    fixture.call_times(Outcome::Success, 4);
    fixture.call_times(Outcome::Failure, 2);
    fixture.set_config(calls(5));
    assert_eq!(fixture.window(), Recorded { calls: 5, failures: 2, slow: 0 });
    fixture.set_config(calls(7));
    assert_eq!(fixture.window(), Recorded { calls: 5, failures: 2, slow: 0 });
    fixture.call_times(Outcome::Success, 2);
    assert_eq!(fixture.window(), Recorded { calls: 7, failures: 2, slow: 0 });
}

#[test]
fn a_count_based_window_is_exact_after_every_resize() {
    let fixture = Fixture::with(calls(1));
    let mut held: Vec<bool> = Vec::new();
    for (nth, size) in [3_usize, 7, 2, 10, 10, 1, 4, 64, 5].into_iter().cycle().take(200).enumerate() {
        fixture.set_config(calls(u32::try_from(size).unwrap()));
        held.drain(..held.len().saturating_sub(size));
        for call in 0..nth % 6 {
            let failed = (nth * 7 + call) % 3 == 0;
            fixture.call(if failed { Outcome::Failure } else { Outcome::Success });
            held.push(failed);
            held.drain(..held.len().saturating_sub(size));
            let failures = held.iter().filter(|failed| **failed).count();
            assert_eq!(
                fixture.window(),
                Recorded { calls: held.len() as u64, failures: failures as u64, slow: 0 },
                "{nth} {size}"
            );
        }
    }
}

#[test]
fn a_shrinking_time_based_window_drops_calls_that_are_too_old() {
    let fixture = Fixture::with(time(seconds(100)));
    fixture.call(Outcome::Failure);
    fixture.clock.advance(seconds(50));
    fixture.call(Outcome::Failure);
    fixture.call(Outcome::Success);
    fixture.clock.advance(seconds(9));
    fixture.set_config(time(seconds(20)));
    assert_eq!(fixture.window(), Recorded { calls: 2, failures: 1, slow: 0 });
    fixture.clock.advance(seconds(21));
    assert_eq!(fixture.window(), Recorded::default());
}

#[test]
fn a_growing_time_based_window_keeps_its_calls_longer() {
    let fixture = Fixture::with(time(seconds(10)));
    fixture.call(Outcome::Failure);
    fixture.call(Outcome::Success);
    fixture.clock.advance(seconds(5));
    fixture.set_config(time(seconds(1000)));
    assert_eq!(fixture.window(), Recorded { calls: 2, failures: 1, slow: 0 });
    fixture.clock.advance(seconds(890));
    fixture.call(Outcome::Success);
    assert_eq!(fixture.window(), Recorded { calls: 3, failures: 1, slow: 0 });
    fixture.clock.advance(seconds(110));
    assert_eq!(fixture.window(), Recorded { calls: 1, failures: 0, slow: 0 });
}

#[test]
fn successes_of_all_threads_are_kept_when_a_time_based_window_is_resized() {
    let fixture = Fixture::with(time(seconds(10)));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| fixture.call_times(Outcome::Success, 10));
        }
    });
    fixture.call(Outcome::Failure);
    for length in [20, 5, 100, 1] {
        fixture.set_config(time(seconds(length)));
        assert_eq!(fixture.window(), Recorded { calls: 81, failures: 1, slow: 0 }, "{length}");
        fixture.clock.advance(Duration::from_millis(10));
    }
    fixture.call_times(Outcome::Success, 5);
    assert_eq!(fixture.window(), Recorded { calls: 86, failures: 1, slow: 0 });
}

// The counts of a thread are carried over to a resized window once, even if the first length returns.
#[test]
fn successes_are_kept_once_when_a_time_based_window_is_resized_back_and_forth() {
    let fixture = Fixture::with(time(seconds(10)));
    for held in 1..=8 {
        fixture.call(Outcome::Success);
        fixture.set_config(time(seconds(20)));
        assert_eq!(fixture.window(), Recorded { calls: held, failures: 0, slow: 0 });
        fixture.set_config(time(seconds(10)));
        assert_eq!(fixture.window(), Recorded { calls: held, failures: 0, slow: 0 });
    }
}

#[test]
fn a_window_of_another_kind_starts_empty_and_keeps_consecutive_failures() {
    let fixture = Fixture::with(calls(10));
    fixture.call_times(Outcome::Failure, 3);
    for settings in [time(seconds(10)), calls(10), time(seconds(20))] {
        fixture.set_config(settings.consecutive_failures(1000));
        assert_eq!(fixture.window(), Recorded::default());
        fixture.call(Outcome::Failure);
        fixture.call(Outcome::Failure);
        assert_eq!(fixture.window(), Recorded { calls: 2, failures: 2, slow: 0 });
    }
    assert_eq!(fixture.breaker.snapshot().consecutive_failures, 9);
}

#[test]
fn a_window_can_be_added_and_removed() {
    let fixture = Fixture::with(Config::builder().failure_threshold(4));
    fixture.call_times(Outcome::Failure, 3);
    assert!(fixture.breaker.snapshot().window.is_none());
    fixture.set_config(calls(10).failure_threshold(3));
    assert_eq!((fixture.window(), fixture.breaker.snapshot().consecutive_failures), (Recorded::default(), 3));
    fixture.call_times(Outcome::Failure, 2);
    assert_eq!(
        (fixture.breaker.state(), fixture.window()),
        (State::Closed, Recorded { calls: 2, failures: 2, slow: 0 })
    );
    fixture.set_config(Config::builder().failure_threshold(6));
    assert!(fixture.breaker.snapshot().window.is_none());
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::ConsecutiveFailures { failures: 6, limit: 6 });
}

#[test]
fn a_call_that_started_before_the_window_enters_it_when_it_ends() {
    for window in [calls(10), time(seconds(10))] {
        let fixture = Fixture::with(Config::builder().failure_threshold(4));
        let (success, failure) = (fixture.permit(), fixture.permit());
        fixture.set_config(window);
        success.settle(Outcome::Success);
        failure.settle(Outcome::Failure);
        assert_eq!(fixture.window(), Recorded { calls: 2, failures: 1, slow: 0 });
    }
}

#[test]
fn a_new_rule_applies_to_the_calls_already_in_the_window() {
    let fixture = Fixture::with(calls(10));
    fixture.call_times(Outcome::Success, 4);
    fixture.call_times(Outcome::Failure, 5);
    fixture.set_config(Config::builder().window_calls(10).failure_rate(0.6).recovery_timeout(RECOVERY));
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailureRate { failures: 6, calls: 10, limit: 0.6 });
}

#[test]
fn a_new_slow_call_applies_to_calls_that_start_after_it() {
    let fixture = Fixture::with(calls(10));
    let before = fixture.permit();
    fixture.set_config(calls(10).slow_call(seconds(1)).slow_call_rate(1.0));
    let after = fixture.permit();
    fixture.clock.advance(seconds(1));
    before.settle(Outcome::Success);
    after.settle(Outcome::Success);
    assert_eq!(fixture.window(), Recorded { calls: 2, failures: 0, slow: 1 });
    assert_eq!(fixture.breaker.snapshot().durations.unwrap().count(), 1);
}

#[test]
fn the_window_of_an_open_circuit_can_change() {
    let fixture = Fixture::with(calls(10).failure_threshold(2));
    fixture.call_times(Outcome::Failure, 2);
    for settings in [calls(20), time(seconds(10)), calls(3)] {
        fixture.set_config(settings);
        assert_eq!((fixture.breaker.state(), fixture.window()), (State::Open, Recorded::default()));
    }
    fixture.breaker.reset();
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.window(), Recorded { calls: 1, failures: 1, slow: 0 });
}

#[test]
fn counts_of_a_former_window_never_return_after_any_number_of_changes() {
    let by_time = time(seconds(10)).build().unwrap();
    let by_calls = calls(10).build().unwrap();
    let fixture = Fixture::with(time(seconds(10)));
    fixture.call_times(Outcome::Success, 5);
    assert_eq!(fixture.window().calls, 5);
    // More changes than the epochs of a window, so that every epoch is used.
    for change in 0..20_000 {
        fixture.breaker.set_config(by_calls.clone());
        fixture.breaker.set_config(by_time.clone());
        assert_eq!(fixture.window().calls, 0, "after change {change}");
    }
    fixture.call_times(Outcome::Success, 3);
    assert_eq!(fixture.window().calls, 3);
}

#[test]
fn a_shorter_time_window_takes_in_no_call_that_is_older_than_it() {
    let day = 24 * 3600;
    for (from, age, to) in [(3600, 350, 60), (600, 59, 10), (day, 8000, 60), (u64::MAX, 365 * day, 60)] {
        let clock = testing::Clock::new();
        clock.advance(seconds(1000 * day)); // the start of a slice
        let window = |length| match length {
            u64::MAX => settings().failure_threshold(5).window_time(Duration::MAX),
            length => settings().failure_threshold(5).window_time(seconds(length)),
        };
        let registry = Registry::with_clock(&clock);
        let breaker = registry.register("payment", window(from).build().unwrap()).unwrap();
        for _ in 0..4 {
            breaker.try_acquire().unwrap().settle(Outcome::Failure);
        }
        clock.advance(seconds(age));
        breaker.set_config(window(to).build().unwrap());
        assert_eq!(breaker.snapshot().window.unwrap().failures, 0, "{age} s in {to} s");
        breaker.try_acquire().unwrap().settle(Outcome::Failure);
        assert_eq!(breaker.state(), State::Closed);
    }
}

/// With the real clock, because the short slices of the first window and the long ones of the second read it with different
/// precision.
#[test]
fn a_growing_time_based_window_counts_the_next_failures() {
    let short = time(Duration::from_millis(10)).failure_rate(0.01).minimum_calls(1000).build().unwrap();
    let long = time(Duration::from_millis(200)).failure_rate(0.01).minimum_calls(1).build().unwrap();
    for round in 0..20_000 {
        let breaker = CircuitBreaker::new("search", short.clone()).unwrap();
        breaker.try_acquire().unwrap().settle(Outcome::Failure);
        breaker.set_config(long.clone());
        breaker.try_acquire().unwrap().settle(Outcome::Failure);
        assert_eq!(breaker.state(), State::Open, "{round}");
    }
}
