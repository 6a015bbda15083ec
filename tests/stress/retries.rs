//! Retries of all threads together stay within the budget of their circuit.

use std::time::Duration;

use breaker_runtime::{Config, Outcome, RetryBudget};

use crate::{THREADS, breaker, run_threads};

const STEPS: u64 = 20_000;
const FLOOR: u32 = 500;

/// The successes and the granted retries of one thread.
#[derive(Default)]
struct Tally {
    successes: u64,
    retries: u64,
}

#[test]
fn retries_of_all_threads_are_exactly_those_of_the_budget() {
    let (clock, breaker) = breaker(Config::builder());
    let handles = [(0.1, FLOOR), (0.05, FLOOR), (0.1, 0)]
        .map(|(share, floor)| breaker.budget().with_share(share).unwrap().with_floor(floor));
    let tallies = run_threads(
        |mut random, index| {
            let mut tally = Tally::default();
            for _ in 0..STEPS {
                let handle = random.choice(&handles).unwrap();
                if random.u8(0..3) > 0 {
                    breaker.try_acquire().unwrap().settle(Outcome::Success);
                    tally.successes += 1;
                } else if handle.try_retry() {
                    tally.retries += 1;
                }
            }
            // Handles that other threads have created count the same.
            tally.retries += u64::from(index == 0 && breaker.budget().try_retry());
            tally
        },
        |_| {
            // Within the first slice of the log, nothing leaves the window.
            clock.advance(Duration::from_nanos(1));
            assert!(handles[0].remaining() <= u64::from(FLOOR) + THREADS * STEPS / 10);
        },
    );
    let successes: u64 = tallies.iter().map(|tally| tally.successes).sum();
    let granted: u64 = tallies.iter().map(|tally| tally.retries).sum();
    let allowed = u64::from(FLOOR) + successes / 10;
    assert!(granted <= allowed, "{granted} retries of {allowed}");
    assert_eq!(handles[0].remaining(), allowed - granted);
    assert_eq!(std::iter::from_fn(|| handles[0].try_retry().then_some(())).count() as u64, allowed - granted);
}

#[test]
fn threads_that_race_for_the_last_retries_get_no_more_than_there_are() {
    for _ in 0..200 {
        let (_clock, breaker) = breaker(Config::builder());
        let grants = run_threads(
            |_, _| {
                // Each thread creates the budget, too.
                let budget: RetryBudget = breaker.budget().with_floor(3);
                u64::from(budget.try_retry()) + u64::from(budget.try_retry())
            },
            |_| {},
        );
        assert_eq!(grants.iter().sum::<u64>(), 3);
    }
}
