//! The rules that open a circuit over a count-based window, alone and combined.

use std::time::Duration;

use breaker_runtime::{Cause, Config, ConfigBuilder, Mode, Outcome, State, TripReason};

use crate::support::{Fixture, NANO, RECOVERY, Recorded, seconds};

const SLOW: Duration = Duration::from_secs(5);

fn last_calls(calls: u32) -> ConfigBuilder {
    Config::builder().window_calls(calls).recovery_timeout(RECOVERY)
}

fn fixture(settings: ConfigBuilder) -> Fixture {
    Fixture::with(settings)
}

#[test]
fn a_count_based_window_holds_exactly_the_last_calls() {
    let fixture = fixture(last_calls(5).failure_threshold(3));
    fixture.call_times(Outcome::Failure, 2);
    fixture.call_times(Outcome::Success, 3);
    assert_eq!(fixture.window(), Recorded { calls: 5, failures: 2, slow: 0 });
    fixture.call(Outcome::Success);
    assert_eq!(fixture.window(), Recorded { calls: 5, failures: 1, slow: 0 });
    // Three failures in total, but only one among the last five calls.
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.window(), Recorded { calls: 5, failures: 1, slow: 0 });
    fixture.call(Outcome::Failure);
    assert_eq!(
        (fixture.breaker.state(), fixture.window()),
        (State::Closed, Recorded { calls: 5, failures: 2, slow: 0 })
    );
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailuresInWindow { failures: 3, calls: 5, limit: 3 });
}

#[test]
fn a_window_of_one_call_holds_the_last_call() {
    let fixture = fixture(last_calls(1).failure_rate(1.0));
    fixture.call_times(Outcome::Success, 3);
    assert_eq!(fixture.window(), Recorded { calls: 1, failures: 0, slow: 0 });
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailureRate { failures: 1, calls: 1, limit: 1.0 });
}

#[test]
fn a_window_keeps_sliding_after_ten_thousand_successes() {
    // Regression of tower-resilience: after 10,000 successes it took 10,000 failures to open.
    let fixture = fixture(last_calls(100).failure_rate(0.5));
    fixture.call_times(Outcome::Success, 10_000);
    fixture.call_times(Outcome::Failure, 49);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailureRate { failures: 50, calls: 100, limit: 0.5 });
}

#[test]
fn failures_leave_a_count_based_window_one_by_one() {
    let fixture = fixture(last_calls(100).failure_threshold(50));
    fixture.call_times(Outcome::Failure, 49);
    fixture.call_times(Outcome::Success, 51);
    for left in (0..49).rev() {
        fixture.call(Outcome::Success);
        assert_eq!(fixture.window(), Recorded { calls: 100, failures: left, slow: 0 });
    }
}

#[test]
fn a_success_does_not_open_although_it_completes_the_rate() {
    // Regression of recloser PR#10, failsafe: successes evaluated the window too.
    let fixture = fixture(last_calls(10).failure_rate(0.5).minimum_calls(10));
    fixture.call_times(Outcome::Failure, 5);
    fixture.call_times(Outcome::Success, 5);
    assert_eq!(
        (fixture.breaker.state(), fixture.window()),
        (State::Closed, Recorded { calls: 10, failures: 5, slow: 0 })
    );
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailureRate { failures: 5, calls: 10, limit: 0.5 });
}

#[test]
fn the_first_window_is_evaluated_before_it_is_full() {
    // Regression of recloser PR#10: the first window was not evaluated.
    let fixture = fixture(last_calls(1000).failure_rate(0.5).minimum_calls(2));
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailureRate { failures: 2, calls: 2, limit: 0.5 });
}

#[test]
fn an_ignored_outcome_is_not_counted_in_the_window() {
    let fixture =
        fixture(last_calls(4).failure_rate(0.5).minimum_calls(2).slow_call(SLOW).slow_call_rate(1.0));
    fixture.call(Outcome::Failure);
    for _ in 0..100 {
        fixture.call_taking(SLOW, Outcome::Ignored);
        drop(fixture.permit());
    }
    assert_eq!(
        (fixture.window(), fixture.breaker.state()),
        (Recorded { calls: 1, failures: 1, slow: 0 }, State::Closed)
    );
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailureRate { failures: 2, calls: 2, limit: 0.5 });
}

#[test]
fn a_rate_equal_to_its_limit_opens_and_one_below_does_not() {
    for (rate, failures) in [(0.1, 1), (0.3, 3), (0.7, 7), (1.0, 10)] {
        let fixture = fixture(last_calls(10).failure_rate(rate));
        fixture.call_times(Outcome::Success, 10 - failures + 1);
        fixture.call_times(Outcome::Failure, failures - 1);
        assert_eq!(fixture.breaker.state(), State::Closed, "{rate}");
        let fixture = Fixture::with(last_calls(10).failure_rate(rate));
        fixture.call_times(Outcome::Success, 10 - failures);
        fixture.call_times(Outcome::Failure, failures);
        assert_eq!(
            fixture.trip_reason(),
            TripReason::FailureRate { failures: failures.into(), calls: 10, limit: rate },
            "{rate}"
        );
    }
}

#[test]
fn minimum_calls_delays_rates_only() {
    let fixture = fixture(last_calls(100).failure_rate(0.5).minimum_calls(50).failure_threshold(4));
    fixture.call_times(Outcome::Failure, 3);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailuresInWindow { failures: 4, calls: 4, limit: 4 });
    let fixture = Fixture::with(last_calls(100).failure_rate(0.5).minimum_calls(50).consecutive_failures(4));
    fixture.call_times(Outcome::Failure, 4);
    assert_eq!(fixture.trip_reason(), TripReason::ConsecutiveFailures { failures: 4, limit: 4 });
}

#[test]
fn the_call_that_completes_minimum_calls_can_open() {
    let fixture = fixture(last_calls(100).failure_rate(0.5));
    fixture.call_times(Outcome::Failure, 9);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailureRate { failures: 10, calls: 10, limit: 0.5 });
}

#[test]
fn a_call_of_exactly_slow_call_is_slow_and_a_nanosecond_less_is_not() {
    let fixture = fixture(last_calls(4).slow_call(SLOW).minimum_calls(2));
    fixture.call_taking(SLOW.checked_sub(NANO).unwrap(), Outcome::Success);
    assert_eq!(fixture.window(), Recorded { calls: 1, failures: 0, slow: 0 });
    fixture.call_taking(SLOW, Outcome::Success);
    assert_eq!(fixture.trip_reason(), TripReason::SlowCallRate { slow: 1, calls: 2, limit: 0.5 });
    assert_eq!(
        (fixture.last_transition().cause, fixture.last_transition().last_failure.clone()),
        (Cause::ThresholdReached, None)
    );
}

#[test]
fn a_slow_failure_counts_as_a_failure_and_as_slow() {
    let fixture = fixture(last_calls(10).slow_call(SLOW).slow_call_rate(0.9).failure_rate(0.9));
    fixture.call_taking(SLOW, Outcome::Failure);
    fixture.call_taking(SLOW, Outcome::Success);
    fixture.call(Outcome::Failure);
    fixture.call(Outcome::Success);
    assert_eq!(fixture.window(), Recorded { calls: 4, failures: 2, slow: 2 });
}

#[test]
fn a_slow_success_resets_consecutive_failures() {
    let fixture = fixture(last_calls(10).slow_call(SLOW).slow_call_rate(1.0).consecutive_failures(2));
    fixture.call(Outcome::Failure);
    fixture.call_taking(SLOW, Outcome::Success);
    assert_eq!(fixture.breaker.snapshot().consecutive_failures, 0);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.breaker.state(), State::Closed);
}

#[test]
fn a_slow_success_also_evaluates_the_failure_rules() {
    let fixture = fixture(last_calls(10).failure_rate(0.5).slow_call(SLOW).slow_call_rate(1.0));
    fixture.call_times(Outcome::Failure, 9);
    fixture.call_taking(SLOW, Outcome::Success);
    assert_eq!(fixture.trip_reason(), TripReason::FailureRate { failures: 9, calls: 10, limit: 0.5 });
    assert_eq!(fixture.last_transition().last_failure, None);
}

#[test]
fn consecutive_failures_open_although_there_is_a_window() {
    let fixture = fixture(last_calls(100).failure_rate(0.5).consecutive_failures(5));
    fixture.call_times(Outcome::Success, 90);
    fixture.call_times(Outcome::Failure, 4);
    fixture.call(Outcome::Success);
    fixture.call_times(Outcome::Failure, 4);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::ConsecutiveFailures { failures: 5, limit: 5 });
}

#[test]
fn failure_threshold_with_a_window_does_not_need_consecutive_failures() {
    let fixture = fixture(last_calls(10).failure_threshold(3));
    for _ in 0..2 {
        fixture.call(Outcome::Failure);
        fixture.call(Outcome::Success);
    }
    assert_eq!(fixture.breaker.snapshot().consecutive_failures, 0);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailuresInWindow { failures: 3, calls: 5, limit: 3 });
}

#[test]
fn without_a_window_the_smaller_of_both_thresholds_opens() {
    let fixture = fixture(Config::builder().failure_threshold(7).consecutive_failures(3));
    fixture.call_times(Outcome::Failure, 3);
    assert_eq!(fixture.trip_reason(), TripReason::ConsecutiveFailures { failures: 3, limit: 3 });
}

#[test]
fn a_window_without_a_rule_opens_at_five_failures() {
    let fixture = fixture(last_calls(100));
    for _ in 0..4 {
        fixture.call(Outcome::Failure);
        fixture.call(Outcome::Success);
    }
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.trip_reason(), TripReason::FailuresInWindow { failures: 5, calls: 9, limit: 5 });
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
        let fixture = fixture(settings);
        (0..4).for_each(|_| fixture.call_taking(SLOW, Outcome::Failure));
        fixture.trip_reason()
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
    let fixture = fixture(last_calls(2).slow_call(Duration::MAX).mode(Mode::Enforce));
    for _ in 0..10 {
        fixture.call_taking(seconds(1 << 40), Outcome::Success);
    }
    assert_eq!(fixture.window(), Recorded { calls: 2, failures: 0, slow: 0 });
}

#[test]
fn the_window_starts_empty_in_every_generation() {
    let fixture = fixture(last_calls(10).failure_threshold(3).half_open_max_calls(1).success_threshold(1));
    fixture.call_times(Outcome::Success, 4);
    fixture.call_times(Outcome::Failure, 3);
    assert_eq!(fixture.window(), Recorded::default());
    fixture.clock.advance(RECOVERY);
    fixture.call(Outcome::Success);
    assert_eq!((fixture.breaker.state(), fixture.window()), (State::Closed, Recorded::default()));
    fixture.call_times(Outcome::Failure, 2);
    fixture.breaker.reset();
    assert_eq!(fixture.window(), Recorded::default());
    fixture.call_times(Outcome::Failure, 2);
    assert_eq!(
        (fixture.breaker.state(), fixture.window()),
        (State::Closed, Recorded { calls: 2, failures: 2, slow: 0 })
    );
}

#[test]
fn a_late_outcome_does_not_enter_the_window() {
    let fixture = fixture(last_calls(10).failure_threshold(2).slow_call(SLOW).slow_call_rate(1.0));
    let late = [fixture.permit(), fixture.permit(), fixture.permit()];
    fixture.breaker.reset();
    fixture.call(Outcome::Success);
    let [failure, success, slow] = late;
    failure.settle(Outcome::Failure);
    success.settle(Outcome::Success);
    fixture.clock.advance(SLOW);
    slow.settle(Outcome::Success);
    assert_eq!(fixture.window(), Recorded { calls: 1, failures: 0, slow: 0 });
    assert_eq!(fixture.breaker.snapshot().totals.calls(), 4);
}
