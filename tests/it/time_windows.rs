//! Time-based windows: how calls enter and leave them, and the rules that use them.

use std::pin::pin;
use std::sync::Barrier;
use std::thread::available_parallelism;
use std::time::Duration;

use breaker_runtime::{BreakerError, Config, ConfigBuilder, Outcome, State, TripReason};

use crate::support::{Fixture, NANO, RECOVERY, Recorded, poll_once, seconds};

fn last(time: Duration) -> ConfigBuilder {
    Config::builder().window_time(time).recovery_timeout(RECOVERY)
}

#[test]
fn a_call_leaves_the_window_after_nine_to_ten_tenths_of_its_length() {
    for (starts, kept) in [(0, 10_000), (400, 9600), (999, 9001)] {
        let fixture = Fixture::with(last(seconds(10)).failure_threshold(100));
        fixture.clock.advance(Duration::from_millis(starts));
        fixture.call(Outcome::Failure);
        fixture.call(Outcome::Success);
        fixture.clock.advance(Duration::from_millis(kept).checked_sub(NANO).unwrap());
        assert_eq!(fixture.window(), Recorded { calls: 2, failures: 1, slow: 0 }, "{starts}");
        fixture.clock.advance(NANO);
        assert_eq!(fixture.window(), Recorded::default(), "{starts}");
    }
}

#[test]
fn a_time_based_window_drops_one_tenth_at_a_time() {
    let fixture = Fixture::with(last(seconds(10)).failure_threshold(100));
    for _ in 0..10 {
        fixture.call(Outcome::Failure);
        fixture.call(Outcome::Success);
        fixture.clock.advance(seconds(1));
    }
    for left in (0..9).rev() {
        assert_eq!(fixture.window(), Recorded { calls: 2 * (left + 1), failures: left + 1, slow: 0 });
        fixture.clock.advance(seconds(1));
    }
    assert_eq!(fixture.window(), Recorded::default());
}

#[test]
fn a_failure_that_left_the_window_does_not_open() {
    let fixture = Fixture::with(last(seconds(10)).failure_threshold(2));
    for _ in 0..100 {
        fixture.call(Outcome::Failure);
        fixture.clock.advance(seconds(10));
    }
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Failure);
    fixture.clock.advance(seconds(9));
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailuresInWindow { failures: 2, calls: 2, limit: 2 });
}

#[test]
fn one_success_per_idle_period_neither_opens_nor_keeps_old_calls() {
    // Regression of tower: with a window of 10 s and a call every 15 s, the circuit opened or did not recover.
    let fixture = Fixture::with(last(seconds(10)).failure_rate(0.5).minimum_calls(3));
    fixture.call_times(Outcome::Failure, 2);
    for _ in 0..100 {
        fixture.clock.advance(seconds(15));
        fixture.call(Outcome::Success);
        assert_eq!(
            (fixture.breaker.state(), fixture.window()),
            (State::Closed, Recorded { calls: 1, failures: 0, slow: 0 })
        );
    }
    fixture.clock.advance(seconds(15));
    fixture.call_times(Outcome::Failure, 2);
    assert_eq!(fixture.window(), Recorded { calls: 2, failures: 2, slow: 0 });
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailureRate { failures: 3, calls: 3, limit: 0.5 });
}

#[test]
fn one_failure_per_idle_period_does_not_open() {
    let fixture = Fixture::with(last(seconds(10)).failure_rate(0.5).minimum_calls(2));
    for _ in 0..100 {
        fixture.clock.advance(seconds(15));
        fixture.call(Outcome::Failure);
        assert_eq!(
            (fixture.breaker.state(), fixture.window()),
            (State::Closed, Recorded { calls: 1, failures: 1, slow: 0 })
        );
    }
}

#[test]
fn an_idle_window_is_empty_after_any_idle_time() {
    for idle in [seconds(10), seconds(11), seconds(1 << 20), seconds(1 << 33)] {
        let fixture = Fixture::with(last(seconds(10)).failure_threshold(2));
        fixture.call(Outcome::Failure);
        fixture.call(Outcome::Success);
        fixture.clock.advance(idle);
        assert_eq!(fixture.window(), Recorded::default());
        fixture.call(Outcome::Failure);
        assert_eq!(
            (fixture.breaker.state(), fixture.window()),
            (State::Closed, Recorded { calls: 1, failures: 1, slow: 0 })
        );
    }
}

#[test]
fn a_window_below_a_second_is_exact() {
    // Regression of sentinel: sub-second windows were truncated to zero.
    let fixture = Fixture::with(last(Duration::from_millis(20)).failure_threshold(2));
    fixture.call(Outcome::Failure);
    fixture.clock.advance(Duration::from_millis(20));
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.clock.advance(Duration::from_millis(19));
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn the_smallest_window_works() {
    let fixture = Fixture::with(last(NANO).failure_threshold(2));
    fixture.call(Outcome::Failure);
    fixture.clock.advance(seconds(1));
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::Open);
}

#[test]
fn a_window_of_max_drops_no_call() {
    // Regression of failsafe, sentinel: Duration::MAX panicked.
    let fixture = Fixture::with(last(Duration::MAX).failure_threshold(3));
    for idle in [seconds(3600), seconds(100 * 24 * 3600)] {
        fixture.call(Outcome::Failure);
        fixture.call(Outcome::Success);
        fixture.clock.advance(idle);
    }
    fixture.clock.advance(Duration::MAX);
    assert_eq!(fixture.window(), Recorded { calls: 4, failures: 2, slow: 0 });
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailuresInWindow { failures: 3, calls: 5, limit: 3 });
}

#[test]
fn an_ignored_call_is_not_counted_in_a_time_based_window() {
    let fixture = Fixture::with(last(seconds(10)).failure_rate(0.5).minimum_calls(2));
    fixture.call(Outcome::Failure);
    fixture.call_times(Outcome::Ignored, 100);
    assert_eq!(fixture.window(), Recorded { calls: 1, failures: 1, slow: 0 });
}

#[test]
fn a_success_does_not_trip_a_time_based_window() {
    // Regression of recloser PR#10, failsafe: successes evaluated the window too.
    let fixture = Fixture::with(last(seconds(10)).failure_rate(0.5));
    fixture.call_times(Outcome::Failure, 5);
    fixture.call_times(Outcome::Success, 5);
    assert_eq!(
        (fixture.breaker.state(), fixture.window()),
        (State::Closed, Recorded { calls: 10, failures: 5, slow: 0 })
    );
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailureRate { failures: 6, calls: 11, limit: 0.5 });
}

#[test]
fn a_call_enters_the_window_when_it_ends() {
    let fixture = Fixture::with(last(seconds(10)).failure_threshold(2));
    let long = fixture.permit();
    fixture.clock.advance(seconds(60));
    fixture.call(Outcome::Failure);
    long.settle(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailuresInWindow { failures: 2, calls: 2, limit: 2 });
}

#[test]
fn the_success_of_an_async_call_that_was_pending_enters_every_kind_of_window() {
    for settings in [Config::builder().window_calls(10), last(seconds(10)), last(Duration::from_millis(100))]
    {
        let fixture = Fixture::with(settings.failure_threshold(3));
        fixture.call(Outcome::Failure);
        for successes in 1..=3 {
            let mut call = pin!(fixture.breaker.call_async(async {
                tokio::task::yield_now().await;
                Ok::<_, BreakerError>(())
            }));
            assert!(poll_once(call.as_mut()).is_pending());
            assert!(poll_once(call.as_mut()).is_ready());
            assert_eq!(fixture.window(), Recorded { calls: 1 + successes, failures: 1, slow: 0 });
        }
    }
}

#[test]
fn slow_calls_trip_a_time_based_window() {
    let fixture = Fixture::with(last(seconds(60)).slow_call(seconds(1)).slow_call_rate(0.2).minimum_calls(5));
    fixture.call_times(Outcome::Success, 4);
    fixture.call_taking(seconds(1), Outcome::Success);
    assert_eq!(fixture.trip_reason(), TripReason::SlowCallRate { slow: 1, calls: 5, limit: 0.2 });
}

#[test]
fn a_new_generation_starts_with_an_empty_time_based_window() {
    let fixture = Fixture::with(last(seconds(10)).failure_threshold(3));
    for _ in 0..20 {
        fixture.call_times(Outcome::Failure, 2);
        fixture.call_times(Outcome::Success, 2);
        assert_eq!(fixture.window(), Recorded { calls: 4, failures: 2, slow: 0 });
        let late = (fixture.permit(), fixture.permit());
        fixture.breaker.reset();
        late.0.settle(Outcome::Failure);
        late.1.settle(Outcome::Success);
        assert_eq!((fixture.breaker.state(), fixture.window()), (State::Closed, Recorded::default()));
        fixture.clock.advance(Duration::from_millis(10));
    }
}

#[test]
fn the_rate_includes_successes_of_all_threads() {
    // There are twice as many stripes as cores, so some of these threads share one.
    let threads = 2 * u32::try_from(available_parallelism().unwrap().get()).unwrap() + 8;
    let all_threads = Barrier::new(threads as usize);
    let fixture = Fixture::with(last(seconds(60)).failure_rate(0.5).minimum_calls(1));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                all_threads.wait();
                fixture.call_times(Outcome::Success, 100);
                all_threads.wait();
            });
        }
    });
    let successes = 100 * threads;
    assert_eq!(fixture.window(), Recorded { calls: successes.into(), failures: 0, slow: 0 });
    fixture.call_times(Outcome::Failure, successes - 1);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Failure);
    let [failures, calls] = [successes, 2 * successes].map(u64::from);
    assert_eq!(fixture.trip_reason(), TripReason::FailureRate { failures, calls, limit: 0.5 });
}

#[test]
fn successes_of_ended_threads_stay_until_they_leave_the_window() {
    let fixture = Fixture::with(last(seconds(10)).failure_threshold(5));
    for second in 1..=20 {
        std::thread::scope(|scope| {
            scope.spawn(|| fixture.call_times(Outcome::Success, 3));
        });
        fixture.call(Outcome::Success);
        assert_eq!(fixture.window(), Recorded { calls: 4 * second.min(10), failures: 0, slow: 0 });
        fixture.clock.advance(seconds(1));
    }
}

#[test]
fn successes_of_more_threads_than_have_cells_enter_and_leave_the_window() {
    const THREADS: u32 = 300;
    let fixture = Fixture::with(last(seconds(10)).failure_threshold(1000));
    let turn = Barrier::new(THREADS as usize + 1);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..15 {
                    turn.wait();
                    fixture.call_times(Outcome::Success, 20);
                    turn.wait();
                }
            });
        }
        for round in 1..=15 {
            turn.wait();
            turn.wait();
            let calls = u64::from(THREADS) * 20 * round.min(10);
            assert_eq!(fixture.window(), Recorded { calls, failures: 0, slow: 0 }, "{round}");
            fixture.clock.advance(seconds(1));
        }
    });
    fixture.clock.advance(seconds(10));
    assert_eq!(fixture.window(), Recorded::default());
}
