//! Leases grow when a trial call succeeds after its lease has ended, so that a dependency whose calls take
//! longer than a lease closes its circuit.

use std::mem::forget;
use std::time::Duration;

use breaker_runtime::{Cause, Config, ConfigBuilder, Outcome, Permit, State};

use crate::support::{Fixture, NANO, RECOVERY, seconds, settings};

/// A healthy service whose calls all take the same time.
struct Service {
    call_time: Duration,
    /// Time between the starts of two calls.
    interval: Duration,
}

impl Service {
    /// Calls the service through a tripped circuit until it closes. Returns `false` if it does not close.
    fn closes(&self, settings: ConfigBuilder) -> bool {
        let fixture = Fixture::with(settings);
        fixture.trip();
        let mut running: Vec<(Duration, Permit<'_>)> = Vec::new();
        let mut now = Duration::ZERO;
        for _ in 0..2000 {
            let (ended, still_running) =
                running.into_iter().partition::<Vec<_>, _>(|(ends, _)| *ends <= now + self.interval);
            running = still_running;
            let wakes = ended.into_iter().map(|(ends, permit)| (ends, Some(permit)));
            for (at, permit) in wakes.chain([(now + self.interval, None)]) {
                fixture.clock.advance(at.saturating_sub(now));
                now = now.max(at);
                if let Some(permit) = permit {
                    permit.settle(Outcome::Success);
                }
            }
            if fixture.breaker.state() == State::Closed {
                return true;
            }
            running.extend(fixture.breaker.try_acquire().map(|permit| (now + self.call_time, permit)));
        }
        false
    }
}

#[test]
fn calls_of_31_seconds_close_a_circuit_under_all_defaults() {
    let service = Service { call_time: seconds(31), interval: seconds(30) };
    assert!(service.closes(Config::builder()));
}

#[test]
fn calls_of_6_seconds_close_a_circuit_with_a_recovery_timeout_of_5_seconds() {
    for interval in [1, 5, 6, 7, 30] {
        let service = Service { call_time: seconds(6), interval: seconds(interval) };
        assert!(service.closes(Config::builder().recovery_timeout(seconds(5))), "every {interval} s");
    }
}

#[test]
fn calls_of_any_constant_time_up_to_an_hour_close_the_circuit() {
    for call_time in [1, 29, 30, 31, 100, 599, 3600] {
        for lease in [NANO, Duration::from_millis(1), seconds(1), seconds(30)] {
            let service = Service { call_time: seconds(call_time), interval: seconds(17) };
            let settings = || Config::builder().half_open_timeout(lease).backoff(2.0);
            assert!(service.closes(settings()), "calls of {call_time} s, lease {lease:?}");
            assert!(service.closes(settings().half_open_max_calls(1)), "one trial, {call_time} s, {lease:?}");
        }
    }
}

fn with_lease(lease: Duration) -> ConfigBuilder {
    settings().half_open_max_calls(1).success_threshold(1).half_open_timeout(lease)
}

/// Starts a trial call that outlives its lease and ends after `ran`.
fn late_trial(fixture: &Fixture, ran: Duration, outcome: Outcome) {
    let permit = fixture.permit();
    fixture.clock.advance(ran);
    permit.settle(outcome);
}

/// Returns the lease of the next trial call.
fn next_lease(fixture: &Fixture) -> Duration {
    fixture.clock.advance(RECOVERY);
    forget(fixture.permit());
    let mut lease = Duration::ZERO;
    while fixture.breaker.state() == State::HalfOpen {
        fixture.clock.advance(seconds(1));
        lease += seconds(1);
    }
    lease
}

fn tripped(settings: ConfigBuilder) -> Fixture {
    let fixture = Fixture::with(settings);
    fixture.trip();
    fixture.clock.advance(RECOVERY);
    fixture
}

#[test]
fn a_late_success_doubles_the_lease_until_it_exceeds_the_call() {
    for (ran, lease) in [(5, 10), (9, 10), (10, 20), (100, 160)] {
        let fixture = tripped(with_lease(seconds(5)));
        late_trial(&fixture, seconds(ran), Outcome::Success);
        assert_eq!(fixture.breaker.state(), State::Open);
        assert_eq!(next_lease(&fixture), seconds(lease), "a call of {ran} s");
    }
}

#[test]
fn a_lease_grows_to_at_most_an_hour() {
    let fixture = tripped(with_lease(seconds(5)));
    late_trial(&fixture, seconds(100_000), Outcome::Success);
    // A call of exactly an hour ends within it.
    fixture.clock.advance(RECOVERY);
    forget(fixture.permit());
    fixture.clock.advance(seconds(3600));
    assert_eq!(fixture.breaker.state(), State::HalfOpen);
    fixture.clock.advance(NANO);
    assert_eq!(fixture.breaker.state(), State::Open);
    let longer = tripped(with_lease(seconds(5000)));
    late_trial(&longer, seconds(100_000), Outcome::Success);
    assert_eq!(next_lease(&longer), seconds(5000));
}

#[test]
fn only_a_late_success_extends_the_leases() {
    for outcome in [Outcome::Failure, Outcome::Ignored] {
        let fixture = tripped(with_lease(seconds(5)));
        late_trial(&fixture, seconds(50), outcome);
        assert_eq!(next_lease(&fixture), seconds(5), "{outcome:?}");
    }
    let slow = tripped(with_lease(seconds(5)).window_calls(10).slow_call(seconds(6)));
    late_trial(&slow, seconds(50), Outcome::Success);
    assert_eq!(next_lease(&slow), seconds(5));
}

#[test]
fn a_success_whose_lease_had_not_ended_does_not_extend_the_leases() {
    let fixture = tripped(with_lease(seconds(5)).half_open_max_calls(2));
    let (fast, failing) = (fixture.permit(), fixture.permit());
    failing.settle(Outcome::Failure);
    fixture.clock.advance(seconds(4));
    fast.settle(Outcome::Success);
    assert_eq!(next_lease(&fixture), seconds(5));
}

#[test]
fn a_success_that_is_late_only_by_one_of_two_clocks_extends_the_leases() {
    // The lease is measured by another clock than the call, which may show a little less than the whole lease.
    let fixture = tripped(with_lease(seconds(5)).half_open_max_calls(2));
    let (late, failing) = (fixture.permit(), fixture.permit());
    failing.settle(Outcome::Failure);
    fixture.clock.advance(seconds(5).checked_sub(NANO).unwrap());
    late.settle(Outcome::Success);
    assert_eq!(next_lease(&fixture), seconds(10));
}

#[test]
fn the_leases_return_to_half_open_timeout_when_the_circuit_closes() {
    let fixture = tripped(with_lease(seconds(5)));
    late_trial(&fixture, seconds(9), Outcome::Success);
    fixture.clock.advance(RECOVERY);
    late_trial(&fixture, seconds(9), Outcome::Success);
    assert_eq!(fixture.breaker.state(), State::Closed);
    fixture.trip();
    assert_eq!(next_lease(&fixture), seconds(5));
}

#[test]
fn a_trial_that_hangs_still_reopens_the_circuit_after_a_lease_has_grown() {
    let fixture = tripped(with_lease(seconds(5)));
    late_trial(&fixture, seconds(9), Outcome::Success);
    assert_eq!(next_lease(&fixture), seconds(10));
    assert_eq!(fixture.last_transition().cause, Cause::LeaseExpired);
    assert_eq!(next_lease(&fixture), seconds(10));
}

#[test]
fn a_late_success_after_an_operator_changed_the_state_extends_no_lease() {
    let fixture = tripped(with_lease(seconds(5)));
    let permit = fixture.permit();
    fixture.clock.advance(seconds(50));
    fixture.breaker.reset();
    permit.settle(Outcome::Success);
    fixture.trip();
    assert_eq!(next_lease(&fixture), seconds(5));
}
