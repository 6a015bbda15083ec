//! The recovery timeout, its backoff and its jitter.

use std::mem::forget;
use std::time::Duration;

use breaker_runtime::{Cause, Config, ConfigBuilder, Mode, Outcome, State};

use crate::support::{Fixture, NANO, catch_panic, seconds};

/// Returns settings that open at one failure and close at one success.
fn opens_at_once() -> ConfigBuilder {
    Config::builder().failure_threshold(1).success_threshold(1).recovery_timeout(seconds(10))
}

/// Returns a fixture whose circuit just opened.
fn opened(settings: ConfigBuilder) -> Fixture {
    let fixture = Fixture::with(settings);
    fixture.call(Outcome::Failure);
    fixture
}

impl Fixture {
    /// Returns the time until a trial call is due.
    fn wait(&self) -> Option<Duration> {
        self.breaker.snapshot().retry_after
    }

    /// Advances the clock until a trial call is due and runs a trial that ends with `outcome`.
    fn run_trial(&self, outcome: Outcome) {
        self.clock.advance(self.wait().unwrap());
        self.call(outcome);
    }

    /// Returns the recovery timeouts, in seconds, of the opening and of `reopenings` failed trials.
    fn waits(&self, reopenings: usize) -> Vec<u64> {
        let mut waits = vec![self.wait().unwrap().as_secs()];
        for _ in 0..reopenings {
            self.run_trial(Outcome::Failure);
            waits.push(self.wait().unwrap().as_secs());
        }
        waits
    }
}

#[test]
fn each_reopening_lengthens_the_recovery_timeout_up_to_the_maximum() {
    let fixture = opened(opens_at_once().backoff(2.0).max_recovery_timeout(seconds(60)));
    assert_eq!(fixture.waits(5), [10, 20, 40, 60, 60, 60]);
}

// A float of seconds cannot represent fifty years and one nanosecond.
#[test]
fn the_first_recovery_timeout_is_exact_and_without_backoff_every_one_is() {
    let long = seconds(1_555_200_000) + NANO;
    let settings = opens_at_once().recovery_timeout(long);
    let fixture = opened(settings.clone().backoff(2.0));
    assert_eq!(fixture.wait(), Some(long));
    let fixture = opened(settings);
    fixture.run_trial(Outcome::Failure);
    assert_eq!(fixture.wait(), Some(long));
}

#[test]
fn without_backoff_every_recovery_timeout_is_equal() {
    assert_eq!(opened(opens_at_once()).waits(3), [10; 4]);
    assert_eq!(opened(opens_at_once().backoff(1.0)).waits(3), [10; 4]);
}

#[test]
fn backoff_stops_at_five_minutes_or_at_a_longer_recovery_timeout() {
    assert_eq!(opened(opens_at_once().backoff(10.0)).waits(3), [10, 100, 300, 300]);
    let hour = opens_at_once().recovery_timeout(seconds(3600));
    assert_eq!(opened(hour.clone().backoff(2.0)).waits(2), [3600; 3]);
    assert_eq!(opened(hour).waits(2), [3600; 3]);
}

#[test]
fn closing_resets_the_backoff() {
    let fixture = opened(opens_at_once().backoff(2.0));
    assert_eq!(fixture.waits(2), [10, 20, 40]);
    fixture.run_trial(Outcome::Success);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.waits(1), [10, 20]);
}

#[test]
fn an_operator_command_resets_the_backoff() {
    let fixture = opened(opens_at_once().backoff(2.0));
    fixture.waits(2);
    fixture.breaker.reset();
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.waits(2), [10, 20, 40]);
    fixture.breaker.force_open();
    fixture.breaker.release();
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.wait(), Some(seconds(10)));
}

#[test]
fn an_ignored_trial_does_not_increase_the_backoff() {
    let fixture = opened(opens_at_once().backoff(2.0));
    fixture.run_trial(Outcome::Ignored);
    fixture.call(Outcome::Ignored);
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    fixture.call(Outcome::Failure);
    assert_eq!(fixture.wait(), Some(seconds(20)));
}

#[test]
fn an_expired_lease_increases_the_backoff() {
    let fixture = opened(opens_at_once().backoff(2.0).half_open_timeout(seconds(5)));
    fixture.clock.advance(seconds(10));
    forget(fixture.permit());
    fixture.clock.advance(seconds(5));
    assert_eq!((fixture.last_transition().cause, fixture.wait()), (Cause::LeaseExpired, Some(seconds(20))));
    fixture.clock.advance(seconds(20));
    forget(fixture.permit());
    fixture.clock.advance(seconds(6));
    assert_eq!(fixture.wait(), Some(seconds(39)));
}

#[test]
fn unlimited_backoff_never_panics() {
    let fixture = opened(opens_at_once().backoff(1e300).max_recovery_timeout(Duration::MAX));
    fixture.run_trial(Outcome::Failure);
    assert_eq!((fixture.breaker.state(), fixture.wait()), (State::Open, None));
    assert!(fixture.rejects());
    assert_eq!(opened(opens_at_once().backoff(f64::MAX)).waits(3), [10, 300, 300, 300]);
}

#[test]
fn jitter_shortens_the_recovery_timeout_by_at_most_its_share() {
    let settings = opens_at_once().jitter(0.2);
    let waits: Vec<_> = (0..1000).map(|_| opened(settings.clone()).wait().unwrap()).collect();
    assert!(waits.iter().all(|wait| (seconds(8)..=seconds(10)).contains(wait)));
    // The probability that a thousand draws all miss a fifth of the range is negligible.
    assert!(waits.iter().any(|wait| *wait < Duration::from_millis(8400)));
    assert!(waits.iter().any(|wait| *wait > Duration::from_millis(9600)));
}

#[test]
fn every_opening_draws_new_jitter() {
    let fixture = opened(opens_at_once().jitter(1.0).backoff(2.0));
    let mut shares: Vec<_> = (0..20)
        .map(|nth| {
            let whole = 10_f64 * 2_f64.powi(nth.min(4));
            let share = fixture.wait().unwrap().as_secs_f64() / whole.min(300.0);
            fixture.run_trial(Outcome::Failure);
            share
        })
        .collect();
    shares.dedup();
    assert_eq!(shares.len(), 20);
}

#[test]
fn jitter_never_shortens_the_recovery_timeout_to_zero() {
    let settings = opens_at_once().recovery_timeout(NANO).jitter(1.0);
    for _ in 0..1000 {
        assert_eq!(opened(settings.clone()).wait(), Some(NANO));
    }
}

#[test]
fn repeated_reads_return_the_same_due_time_despite_jitter() {
    let fixture = opened(opens_at_once().jitter(1.0).half_open_timeout(NANO));
    fixture.clock.advance(fixture.wait().unwrap());
    forget(fixture.permit());
    fixture.clock.advance(NANO);
    let seen = fixture.wait();
    assert_eq!([fixture.wait(), fixture.breaker.try_acquire().unwrap_err().retry_after()], [seen; 2]);
}

#[test]
fn jitter_and_backoff_of_the_longest_durations_do_not_overflow() {
    // Regression of failsafe: Duration::MAX panicked.
    let longest = [Duration::MAX, Duration::MAX.checked_sub(NANO).unwrap(), seconds(u64::MAX)];
    for time in longest {
        for jitter in [0.0, f64::MIN_POSITIVE, 0.5, 1.0] {
            let settings = opens_at_once()
                .recovery_timeout(time)
                .backoff(1.5)
                .max_recovery_timeout(Duration::MAX)
                .jitter(jitter);
            let fixture = Fixture::with(settings);
            assert!(catch_panic(|| fixture.call(Outcome::Failure)).is_ok(), "{time:?} {jitter}");
            assert!(fixture.rejects());
        }
    }
}

#[test]
fn a_slow_trial_reopens_the_circuit() {
    let slow = opens_at_once().window_calls(10).slow_call(seconds(2)).success_threshold(2);
    let fixture = opened(slow.backoff(2.0));
    fixture.clock.advance(seconds(10));
    fixture.call(Outcome::Success);
    fixture.call_taking(seconds(2), Outcome::Success);
    assert_eq!((fixture.breaker.state(), fixture.last_transition().cause), (State::Open, Cause::TrialSlow));
    assert_eq!((fixture.wait(), fixture.last_transition().last_failure.clone()), (Some(seconds(20)), None));
}

#[test]
fn a_trial_that_fails_slowly_counts_as_failed() {
    let fixture = opened(opens_at_once().window_calls(10).slow_call(seconds(2)));
    fixture.clock.advance(seconds(10));
    fixture.call_taking(seconds(2), Outcome::Failure);
    assert_eq!(fixture.last_transition().cause, Cause::TrialFailed);
}

#[test]
fn a_slow_ignored_trial_does_not_change_the_state() {
    let fixture = opened(opens_at_once().window_calls(10).slow_call(seconds(2)));
    fixture.clock.advance(seconds(10));
    fixture.call_taking(seconds(2), Outcome::Ignored);
    let snapshot = fixture.breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::HalfOpen, 0));
}

#[test]
fn a_call_starts_the_next_trial_without_a_timer() {
    // Regression of do-over: the call after the recovery timeout hung.
    let fixture = opened(opens_at_once());
    fixture.clock.advance(seconds(3600));
    assert_eq!(fixture.breaker.state(), State::Open);
    fixture.call(Outcome::Success);
    assert_eq!(fixture.breaker.state(), State::Closed);
}

#[test]
fn every_duration_can_be_max() {
    // Regression of failsafe, sentinel: Duration::MAX panicked.
    let settings = Config::builder()
        .failure_threshold(1)
        .window_time(Duration::MAX)
        .slow_call(Duration::MAX)
        .recovery_timeout(Duration::MAX)
        .backoff(2.0)
        .max_recovery_timeout(Duration::MAX)
        .jitter(1.0)
        .half_open_timeout(Duration::MAX)
        .call_timeout(Duration::MAX)
        .max_concurrent(u32::MAX)
        .max_wait(Duration::MAX)
        .mode(Mode::Enforce);
    let fixture = Fixture::with(settings);
    fixture.call_taking(seconds(1), Outcome::Success);
    fixture.call_taking(Duration::MAX, Outcome::Failure);
    fixture.clock.advance(Duration::MAX);
    assert_eq!((fixture.breaker.state(), fixture.wait()), (State::Open, None));
    assert!(fixture.rejects());
    fixture.breaker.reset();
    fixture.call(Outcome::Success);
    assert_eq!(fixture.breaker.state(), State::Closed);
}
