//! The rules that open a circuit by a window of calls, alone and combined.

use std::time::Duration;

use breaker_runtime::{Cause, Config, ConfigBuilder, Mode, Outcome, State, TripReason};

use crate::support::{Bench, NANO, RECOVERY, seconds};

const SLOW: Duration = Duration::from_secs(5);

fn last_calls(calls: u32) -> ConfigBuilder {
    Config::builder().window_calls(calls).recovery_timeout(RECOVERY)
}

fn bench(settings: ConfigBuilder) -> Bench {
    Bench::with(settings)
}

#[test]
fn a_window_of_calls_holds_exactly_the_last_n() {
    let bench = bench(last_calls(5).failure_threshold(3));
    bench.end_all(Outcome::Failure, 2);
    bench.end_all(Outcome::Success, 3);
    assert_eq!(bench.window(), (5, 2, 0));
    bench.end(Outcome::Success);
    assert_eq!(bench.window(), (5, 1, 0));
    // Three failures in total, but only one among the last five calls.
    bench.end(Outcome::Failure);
    assert_eq!(bench.window(), (5, 1, 0));
    bench.end(Outcome::Failure);
    assert_eq!((bench.breaker.state(), bench.window()), (State::Closed, (5, 2, 0)));
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailuresInWindow { failures: 3, calls: 5, limit: 3 });
}

#[test]
fn a_window_of_one_call_holds_the_last_call() {
    let bench = bench(last_calls(1).failure_rate(1.0));
    bench.end_all(Outcome::Success, 3);
    assert_eq!(bench.window(), (1, 0, 0));
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailureRate { failures: 1, calls: 1, limit: 1.0 });
}

#[test]
fn a_window_keeps_sliding_after_ten_thousand_successes() {
    // tower-resilience: after 10,000 successes it took 10,000 failures to open.
    let bench = bench(last_calls(100).failure_rate(0.5));
    bench.end_all(Outcome::Success, 10_000);
    bench.end_all(Outcome::Failure, 49);
    assert_eq!(bench.breaker.state(), State::Closed);
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailureRate { failures: 50, calls: 100, limit: 0.5 });
}

#[test]
fn failures_leave_a_window_of_calls_one_by_one() {
    let bench = bench(last_calls(100).failure_threshold(50));
    bench.end_all(Outcome::Failure, 49);
    bench.end_all(Outcome::Success, 51);
    for left in (0..49).rev() {
        bench.end(Outcome::Success);
        assert_eq!(bench.window(), (100, left, 0));
    }
}

#[test]
fn a_success_does_not_open_although_it_completes_the_rate() {
    // recloser PR#10, failsafe: successes evaluated the window too.
    let bench = bench(last_calls(10).failure_rate(0.5).minimum_calls(10));
    bench.end_all(Outcome::Failure, 5);
    bench.end_all(Outcome::Success, 5);
    assert_eq!((bench.breaker.state(), bench.window()), (State::Closed, (10, 5, 0)));
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailureRate { failures: 5, calls: 10, limit: 0.5 });
}

#[test]
fn the_first_window_is_evaluated_before_it_is_full() {
    // recloser PR#10: the first window was not evaluated.
    let bench = bench(last_calls(1000).failure_rate(0.5).minimum_calls(2));
    bench.end(Outcome::Failure);
    assert_eq!(bench.breaker.state(), State::Closed);
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailureRate { failures: 2, calls: 2, limit: 0.5 });
}

#[test]
fn an_ignored_outcome_is_not_counted_in_the_window() {
    let bench = bench(last_calls(4).failure_rate(0.5).minimum_calls(2).slow_call(SLOW).slow_call_rate(1.0));
    bench.end(Outcome::Failure);
    for _ in 0..100 {
        bench.call_taking(SLOW, Outcome::Ignored);
        drop(bench.permit());
    }
    assert_eq!((bench.window(), bench.breaker.state()), ((1, 1, 0), State::Closed));
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailureRate { failures: 2, calls: 2, limit: 0.5 });
}

#[test]
fn a_rate_equal_to_its_limit_opens_and_one_below_does_not() {
    for (rate, failures) in [(0.1, 1), (0.3, 3), (0.7, 7), (1.0, 10)] {
        let bench = bench(last_calls(10).failure_rate(rate));
        bench.end_all(Outcome::Success, 10 - failures + 1);
        bench.end_all(Outcome::Failure, failures - 1);
        assert_eq!(bench.breaker.state(), State::Closed, "{rate}");
        let bench = Bench::with(last_calls(10).failure_rate(rate));
        bench.end_all(Outcome::Success, 10 - failures);
        bench.end_all(Outcome::Failure, failures);
        assert_eq!(
            bench.trip_reason(),
            TripReason::FailureRate { failures: failures.into(), calls: 10, limit: rate },
            "{rate}"
        );
    }
}

#[test]
fn minimum_calls_delays_rates_only() {
    let bench = bench(last_calls(100).failure_rate(0.5).minimum_calls(50).failure_threshold(4));
    bench.end_all(Outcome::Failure, 3);
    assert_eq!(bench.breaker.state(), State::Closed);
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailuresInWindow { failures: 4, calls: 4, limit: 4 });
    let bench = Bench::with(last_calls(100).failure_rate(0.5).minimum_calls(50).consecutive_failures(4));
    bench.end_all(Outcome::Failure, 4);
    assert_eq!(bench.trip_reason(), TripReason::ConsecutiveFailures { failures: 4, limit: 4 });
}

#[test]
fn the_call_that_completes_minimum_calls_can_open() {
    let bench = bench(last_calls(100).failure_rate(0.5));
    bench.end_all(Outcome::Failure, 9);
    assert_eq!(bench.breaker.state(), State::Closed);
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailureRate { failures: 10, calls: 10, limit: 0.5 });
}

#[test]
fn a_call_of_exactly_slow_call_is_slow_and_a_nanosecond_less_is_not() {
    let bench = bench(last_calls(4).slow_call(SLOW).minimum_calls(2));
    bench.call_taking(SLOW.checked_sub(NANO).unwrap(), Outcome::Success);
    assert_eq!(bench.window(), (1, 0, 0));
    bench.call_taking(SLOW, Outcome::Success);
    assert_eq!(bench.trip_reason(), TripReason::SlowCallRate { slow: 1, calls: 2, limit: 0.5 });
    assert_eq!(
        (bench.last_transition().cause, bench.last_transition().last_failure.clone()),
        (Cause::ThresholdReached, None)
    );
}

#[test]
fn a_slow_failure_counts_as_a_failure_and_as_slow() {
    let bench = bench(last_calls(10).slow_call(SLOW).slow_call_rate(0.9).failure_rate(0.9));
    bench.call_taking(SLOW, Outcome::Failure);
    bench.call_taking(SLOW, Outcome::Success);
    bench.end(Outcome::Failure);
    bench.end(Outcome::Success);
    assert_eq!(bench.window(), (4, 2, 2));
}

#[test]
fn a_slow_success_resets_consecutive_failures() {
    let bench = bench(last_calls(10).slow_call(SLOW).slow_call_rate(1.0).consecutive_failures(2));
    bench.end(Outcome::Failure);
    bench.call_taking(SLOW, Outcome::Success);
    assert_eq!(bench.breaker.snapshot().consecutive_failures, 0);
    bench.end(Outcome::Failure);
    assert_eq!(bench.breaker.state(), State::Closed);
}

#[test]
fn a_slow_success_also_evaluates_the_failure_rules() {
    let bench = bench(last_calls(10).failure_rate(0.5).slow_call(SLOW).slow_call_rate(1.0));
    bench.end_all(Outcome::Failure, 9);
    bench.call_taking(SLOW, Outcome::Success);
    assert_eq!(bench.trip_reason(), TripReason::FailureRate { failures: 9, calls: 10, limit: 0.5 });
    assert_eq!(bench.last_transition().last_failure, None);
}

#[test]
fn consecutive_failures_open_although_there_is_a_window() {
    let bench = bench(last_calls(100).failure_rate(0.5).consecutive_failures(5));
    bench.end_all(Outcome::Success, 90);
    bench.end_all(Outcome::Failure, 4);
    bench.end(Outcome::Success);
    bench.end_all(Outcome::Failure, 4);
    assert_eq!(bench.breaker.state(), State::Closed);
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::ConsecutiveFailures { failures: 5, limit: 5 });
}

#[test]
fn failure_threshold_with_a_window_does_not_need_consecutive_failures() {
    let bench = bench(last_calls(10).failure_threshold(3));
    for _ in 0..2 {
        bench.end(Outcome::Failure);
        bench.end(Outcome::Success);
    }
    assert_eq!(bench.breaker.snapshot().consecutive_failures, 0);
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailuresInWindow { failures: 3, calls: 5, limit: 3 });
}

#[test]
fn without_a_window_the_smaller_of_both_thresholds_opens() {
    let bench = bench(Config::builder().failure_threshold(7).consecutive_failures(3));
    bench.end_all(Outcome::Failure, 3);
    assert_eq!(bench.trip_reason(), TripReason::ConsecutiveFailures { failures: 3, limit: 3 });
}

#[test]
fn a_window_without_a_rule_opens_at_five_failures() {
    let bench = bench(last_calls(100));
    for _ in 0..4 {
        bench.end(Outcome::Failure);
        bench.end(Outcome::Success);
    }
    assert_eq!(bench.breaker.state(), State::Closed);
    bench.end(Outcome::Failure);
    assert_eq!(bench.trip_reason(), TripReason::FailuresInWindow { failures: 5, calls: 9, limit: 5 });
}

#[test]
fn the_simplest_of_several_reached_thresholds_is_reported() {
    let all = || {
        let rules = last_calls(4).minimum_calls(4).failure_rate(0.5).slow_call(SLOW).slow_call_rate(0.5);
        (
            rules.clone(),
            rules.clone().failure_threshold(4),
            rules.failure_threshold(4).consecutive_failures(4),
        )
    };
    let reported = |settings| {
        let bench = bench(settings);
        (0..4).for_each(|_| bench.call_taking(SLOW, Outcome::Failure));
        bench.trip_reason()
    };
    let (rates, threshold, run) = all();
    assert_eq!(reported(run), TripReason::ConsecutiveFailures { failures: 4, limit: 4 });
    assert_eq!(reported(threshold), TripReason::FailuresInWindow { failures: 4, calls: 4, limit: 4 });
    assert_eq!(reported(rates), TripReason::FailureRate { failures: 4, calls: 4, limit: 0.5 });
    let slow_only = last_calls(4).slow_call(SLOW);
    assert_eq!(reported(slow_only), TripReason::SlowCallRate { slow: 4, calls: 4, limit: 0.5 });
}

#[test]
fn a_slow_call_of_max_never_opens() {
    let bench = bench(last_calls(2).slow_call(Duration::MAX).mode(Mode::Enforce));
    for _ in 0..10 {
        bench.call_taking(seconds(1 << 40), Outcome::Success);
    }
    assert_eq!(bench.window(), (2, 0, 0));
}

#[test]
fn the_window_starts_empty_in_every_generation() {
    let bench = bench(last_calls(10).failure_threshold(3).half_open_max_calls(1).success_threshold(1));
    bench.end_all(Outcome::Success, 4);
    bench.end_all(Outcome::Failure, 3);
    assert_eq!(bench.window(), (0, 0, 0));
    bench.clock.advance(RECOVERY);
    bench.end(Outcome::Success);
    assert_eq!((bench.breaker.state(), bench.window()), (State::Closed, (0, 0, 0)));
    bench.end_all(Outcome::Failure, 2);
    bench.breaker.reset();
    assert_eq!(bench.window(), (0, 0, 0));
    bench.end_all(Outcome::Failure, 2);
    assert_eq!((bench.breaker.state(), bench.window()), (State::Closed, (2, 2, 0)));
}

#[test]
fn a_late_outcome_does_not_enter_the_window() {
    let bench = bench(last_calls(10).failure_threshold(2).slow_call(SLOW).slow_call_rate(1.0));
    let late = [bench.permit(), bench.permit(), bench.permit()];
    bench.breaker.reset();
    bench.end(Outcome::Success);
    let [failure, success, slow] = late;
    failure.settle(Outcome::Failure);
    success.settle(Outcome::Success);
    bench.clock.advance(SLOW);
    slow.settle(Outcome::Success);
    assert_eq!(bench.window(), (1, 0, 0));
    assert_eq!(bench.breaker.snapshot().totals.calls(), 4);
}
