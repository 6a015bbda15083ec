//! Every call is counted exactly once, despite concurrent commands and new settings.

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Outcome, State};
use fastrand::Rng;

use crate::{THREADS, any_outcome, any_settings, breaker, command, run_threads};

const CALLS: u64 = 5000;

/// The number of calls of one thread, by outcome.
#[derive(Clone, Copy, Default)]
struct Tally {
    successes: u64,
    failures: u64,
    ignored: u64,
    rejected: u64,
}

impl Tally {
    fn call(&mut self, breaker: &CircuitBreaker, outcome: Outcome, random: &mut Rng) {
        match breaker.try_acquire() {
            Err(_) => self.rejected += 1,
            Ok(permit) if random.u8(0..20) == 0 => {
                drop(permit);
                self.ignored += 1;
            }
            Ok(permit) => {
                if random.u8(0..10) == 0 {
                    std::thread::yield_now();
                }
                permit.settle(outcome);
                match outcome {
                    Outcome::Success => self.successes += 1,
                    Outcome::Failure => self.failures += 1,
                    Outcome::Ignored => self.ignored += 1,
                }
            }
        }
    }

    fn sum(tallies: Vec<Self>) -> Self {
        tallies.into_iter().fold(Self::default(), |sum, one| Self {
            successes: sum.successes + one.successes,
            failures: sum.failures + one.failures,
            ignored: sum.ignored + one.ignored,
            rejected: sum.rejected + one.rejected,
        })
    }
}

#[test]
fn every_call_is_in_the_totals_once_despite_operators_and_new_settings() {
    // Regression of resilience4j#1017: counts became negative under load.
    let (clock, breaker) = breaker(Config::builder());
    let tallies = run_threads(
        |mut random, _| {
            let mut tally = Tally::default();
            for _ in 0..CALLS {
                let outcome = any_outcome(&mut random);
                tally.call(&breaker, outcome, &mut random);
            }
            tally
        },
        |random| {
            clock.advance(Duration::from_millis(random.u64(0..20)));
            command(&breaker, random);
            breaker.set_config(any_settings(random).build().unwrap());
            assert!(breaker.snapshot().totals.calls() <= THREADS * CALLS);
        },
    );
    let (totals, sum) = (breaker.snapshot().totals, Tally::sum(tallies));
    assert_eq!(totals.calls(), THREADS * CALLS);
    assert_eq!((totals.successes, totals.failures), (sum.successes, sum.failures));
    assert_eq!((totals.ignored, totals.rejected), (sum.ignored, sum.rejected));
    breaker.set_config(Config::builder().max_concurrent(8).build().unwrap());
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.calls_in_flight, snapshot.trials_in_flight), (Some(0), 0));
}

/// Checks that the window holds every call. The circuit never opens, so no call leaves the window.
fn check_holds_all(settings: ConfigBuilder) {
    let (_clock, breaker) = breaker(settings);
    let tallies = run_threads(
        |mut random, _| {
            let mut tally = Tally::default();
            for _ in 0..CALLS {
                let outcome = if random.u8(0..4) == 0 { Outcome::Failure } else { Outcome::Success };
                tally.call(&breaker, outcome, &mut random);
            }
            tally
        },
        |_| {
            let held = breaker.snapshot().window.unwrap();
            assert!(held.failures <= held.calls && held.calls <= THREADS * CALLS);
        },
    );
    let (snapshot, sum) = (breaker.snapshot(), Tally::sum(tallies));
    let held = snapshot.window.unwrap();
    assert_eq!(snapshot.state, State::Closed);
    assert_eq!((held.calls, held.failures), (sum.successes + sum.failures, sum.failures));
}

#[test]
fn a_count_based_window_holds_every_call_of_all_threads() {
    check_holds_all(Config::builder().failure_threshold(1_000_000).window_calls(1_000_000));
}

#[test]
fn a_time_based_window_holds_every_call_of_all_threads() {
    check_holds_all(Config::builder().failure_threshold(1_000_000).window_time(Duration::from_secs(60)));
}

#[test]
fn a_full_window_always_holds_exactly_its_size() {
    // Regression of tower-resilience: a count-based window never slid.
    let (_clock, breaker) = breaker(Config::builder().consecutive_failures(1_000_000).window_calls(50));
    (0..50).for_each(|_| _ = breaker.try_acquire().unwrap().settle(Outcome::Failure));
    run_threads(
        |mut random, _| {
            for _ in 0..CALLS {
                let outcome = if random.u8(0..20) == 0 { Outcome::Failure } else { Outcome::Success };
                breaker.try_acquire().unwrap().settle(outcome);
            }
        },
        |_| assert_eq!(breaker.snapshot().window.unwrap().calls, 50),
    );
    (0..50).for_each(|_| _ = breaker.try_acquire().unwrap().settle(Outcome::Success));
    let held = breaker.snapshot().window.unwrap();
    assert_eq!((held.calls, held.failures), (50, 0));
}

#[test]
fn no_failure_is_lost_while_the_window_changes_its_length() {
    let settings =
        |seconds| Config::builder().failure_threshold(1_000_000).window_time(Duration::from_secs(seconds));
    let (_clock, breaker) = breaker(settings(60));
    let failures: u64 = run_threads(
        |mut random, _| {
            let mut tally = Tally::default();
            for _ in 0..CALLS {
                let outcome = if random.u8(0..4) == 0 { Outcome::Failure } else { Outcome::Success };
                tally.call(&breaker, outcome, &mut random);
            }
            tally.failures
        },
        |random| breaker.set_config(settings(random.u64(60..100)).build().unwrap()),
    )
    .into_iter()
    .sum();
    let held = breaker.snapshot().window.unwrap();
    assert_eq!(held.failures, failures);
    assert!(held.calls <= THREADS * CALLS);
}

#[test]
fn every_timed_call_is_in_the_durations_once() {
    let (clock, breaker) = breaker(Config::builder().failure_threshold(1_000_000).durations(true));
    let tallies = run_threads(
        |mut random, _| {
            let mut tally = Tally::default();
            (0..CALLS).for_each(|_| tally.call(&breaker, Outcome::Success, &mut random));
            tally
        },
        |random| clock.advance(Duration::from_micros(random.u64(0..50))),
    );
    // Cancelled calls are not timed.
    assert_eq!(breaker.snapshot().durations.unwrap().count(), Tally::sum(tallies).successes);
}
