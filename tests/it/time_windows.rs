//! Windows of time: how calls enter and leave them, and the rules that open by them.

use std::sync::Barrier;
use std::thread::available_parallelism;
use std::time::Duration;

use breaker_runtime::{Config, ConfigBuilder, Outcome, State, TripReason};

use crate::support::{Bench, NANO, RECOVERY, seconds};

fn last(time: Duration) -> ConfigBuilder {
    Config::builder().window_time(time).recovery_timeout(RECOVERY)
}

#[test]
fn a_call_leaves_the_window_after_nine_to_ten_tenths_of_its_length() {
    for (starts, kept) in [(0, 10_000), (400, 9600), (999, 9001)] {
        let bench = Bench::with(last(seconds(10)).failure_threshold(100));
        bench.clock.advance(Duration::from_millis(starts));
        bench.end(Outcome::Failure);
        bench.end(Outcome::Success);
        bench.clock.advance(Duration::from_millis(kept).checked_sub(NANO).unwrap());
        assert_eq!(bench.window(), (2, 1, 0), "{starts}");
        bench.clock.advance(NANO);
        assert_eq!(bench.window(), (0, 0, 0), "{starts}");
    }
}

#[test]
fn a_window_of_time_drops_one_tenth_at_a_time() {
    let bench = Bench::with(last(seconds(10)).failure_threshold(100));
    for _ in 0..10 {
        bench.end(Outcome::Failure);
        bench.end(Outcome::Success);
        bench.clock.advance(seconds(1));
    }
    for left in (0..9).rev() {
        assert_eq!(bench.window(), (2 * (left + 1), left + 1, 0));
        bench.clock.advance(seconds(1));
    }
    assert_eq!(bench.window(), (0, 0, 0));
}

#[test]
fn a_failure_that_left_the_window_does_not_open() {
    let bench = Bench::with(last(seconds(10)).failure_threshold(2));
    for _ in 0..100 {
        bench.end(Outcome::Failure);
        bench.clock.advance(seconds(10));
    }
    assert_eq!(bench.breaker.state(), State::Closed);
    bench.end(Outcome::Failure);
    bench.clock.advance(seconds(9));
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailuresInWindow { failures: 2, calls: 2, limit: 2 });
}

#[test]
fn one_success_per_idle_period_neither_opens_nor_keeps_old_calls() {
    // tower: with a window of 10 s and a call every 15 s, the circuit opened or did not recover.
    let bench = Bench::with(last(seconds(10)).failure_rate(0.5).minimum_calls(3));
    bench.end_all(Outcome::Failure, 2);
    for _ in 0..100 {
        bench.clock.advance(seconds(15));
        bench.end(Outcome::Success);
        assert_eq!((bench.breaker.state(), bench.window()), (State::Closed, (1, 0, 0)));
    }
    bench.clock.advance(seconds(15));
    bench.end_all(Outcome::Failure, 2);
    assert_eq!(bench.window(), (2, 2, 0));
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailureRate { failures: 3, calls: 3, limit: 0.5 });
}

#[test]
fn one_failure_per_idle_period_does_not_open() {
    let bench = Bench::with(last(seconds(10)).failure_rate(0.5).minimum_calls(2));
    for _ in 0..100 {
        bench.clock.advance(seconds(15));
        bench.end(Outcome::Failure);
        assert_eq!((bench.breaker.state(), bench.window()), (State::Closed, (1, 1, 0)));
    }
}

#[test]
fn an_idle_window_is_empty_after_any_idle_time() {
    for idle in [seconds(10), seconds(11), seconds(1 << 20), seconds(1 << 33)] {
        let bench = Bench::with(last(seconds(10)).failure_threshold(2));
        bench.end(Outcome::Failure);
        bench.end(Outcome::Success);
        bench.clock.advance(idle);
        assert_eq!(bench.window(), (0, 0, 0));
        bench.end(Outcome::Failure);
        assert_eq!((bench.breaker.state(), bench.window()), (State::Closed, (1, 1, 0)));
    }
}

#[test]
fn a_window_below_a_second_is_exact() {
    // sentinel: sub-second windows were truncated to zero.
    let bench = Bench::with(last(Duration::from_millis(20)).failure_threshold(2));
    bench.end(Outcome::Failure);
    bench.clock.advance(Duration::from_millis(20));
    bench.end(Outcome::Failure);
    assert_eq!(bench.breaker.state(), State::Closed);
    bench.clock.advance(Duration::from_millis(19));
    bench.end(Outcome::Failure);
    assert_eq!(bench.breaker.state(), State::Open);
}

#[test]
fn the_smallest_window_works() {
    let bench = Bench::with(last(NANO).failure_threshold(2));
    bench.end(Outcome::Failure);
    bench.clock.advance(seconds(1));
    bench.end(Outcome::Failure);
    assert_eq!(bench.breaker.state(), State::Closed);
    bench.end(Outcome::Failure);
    assert_eq!(bench.breaker.state(), State::Open);
}

#[test]
fn a_window_of_max_drops_no_call() {
    // failsafe, sentinel: Duration::MAX panicked.
    let bench = Bench::with(last(Duration::MAX).failure_threshold(3));
    for idle in [seconds(3600), seconds(100 * 24 * 3600)] {
        bench.end(Outcome::Failure);
        bench.end(Outcome::Success);
        bench.clock.advance(idle);
    }
    bench.clock.advance(Duration::MAX);
    assert_eq!(bench.window(), (4, 2, 0));
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailuresInWindow { failures: 3, calls: 5, limit: 3 });
}

#[test]
fn an_ignored_call_is_not_counted_in_a_window_of_time() {
    let bench = Bench::with(last(seconds(10)).failure_rate(0.5).minimum_calls(2));
    bench.end(Outcome::Failure);
    bench.end_all(Outcome::Ignored, 100);
    assert_eq!(bench.window(), (1, 1, 0));
}

#[test]
fn a_success_does_not_open_by_a_window_of_time() {
    // recloser PR#10, failsafe: successes evaluated the window too.
    let bench = Bench::with(last(seconds(10)).failure_rate(0.5));
    bench.end_all(Outcome::Failure, 5);
    bench.end_all(Outcome::Success, 5);
    assert_eq!((bench.breaker.state(), bench.window()), (State::Closed, (10, 5, 0)));
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailureRate { failures: 6, calls: 11, limit: 0.5 });
}

#[test]
fn a_call_enters_the_window_when_it_ends() {
    let bench = Bench::with(last(seconds(10)).failure_threshold(2));
    let long = bench.permit();
    bench.clock.advance(seconds(60));
    bench.end(Outcome::Failure);
    long.settle(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailuresInWindow { failures: 2, calls: 2, limit: 2 });
}

#[test]
fn slow_calls_open_by_a_window_of_time() {
    let bench = Bench::with(last(seconds(60)).slow_call(seconds(1)).slow_call_rate(0.2).minimum_calls(5));
    bench.end_all(Outcome::Success, 4);
    bench.call_taking(seconds(1), Outcome::Success);
    assert_eq!(bench.trip_reason(), TripReason::SlowCallRate { slow: 1, calls: 5, limit: 0.2 });
}

#[test]
fn a_new_generation_starts_with_an_empty_window_of_time() {
    let bench = Bench::with(last(seconds(10)).failure_threshold(3));
    for _ in 0..20 {
        bench.end_all(Outcome::Failure, 2);
        bench.end_all(Outcome::Success, 2);
        assert_eq!(bench.window(), (4, 2, 0));
        let late = (bench.permit(), bench.permit());
        bench.breaker.reset();
        late.0.settle(Outcome::Failure);
        late.1.settle(Outcome::Success);
        assert_eq!((bench.breaker.state(), bench.window()), (State::Closed, (0, 0, 0)));
        bench.clock.advance(Duration::from_millis(10));
    }
}

#[test]
fn the_rate_includes_successes_of_all_threads() {
    // There are twice as many stripes as cores, so some of these threads share one.
    let threads = 2 * u32::try_from(available_parallelism().unwrap().get()).unwrap() + 8;
    let all_threads = Barrier::new(threads as usize);
    let bench = Bench::with(last(seconds(60)).failure_rate(0.5).minimum_calls(1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                all_threads.wait();
                bench.end_all(Outcome::Success, 100);
                all_threads.wait();
            });
        }
    });
    let successes = 100 * threads;
    assert_eq!(bench.window(), (successes.into(), 0, 0));
    bench.end_all(Outcome::Failure, successes - 1);
    assert_eq!(bench.breaker.state(), State::Closed);
    bench.end(Outcome::Failure);
    let [failures, calls] = [successes, 2 * successes].map(u64::from);
    assert_eq!(bench.trip_reason(), TripReason::FailureRate { failures, calls, limit: 0.5 });
}

#[test]
fn successes_of_ended_threads_stay_until_they_leave_the_window() {
    let bench = Bench::with(last(seconds(10)).failure_threshold(5));
    for second in 1..=20 {
        std::thread::scope(|scope| {
            scope.spawn(|| bench.end_all(Outcome::Success, 3));
        });
        bench.end(Outcome::Success);
        assert_eq!(bench.window(), (4 * second.min(10), 0, 0));
        bench.clock.advance(seconds(1));
    }
}
