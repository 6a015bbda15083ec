//! The retry budget, compared with a list of all successes and retries and their times.

use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{Config, Outcome, Registry, RetryBudget};
use proptest::collection::vec;
use proptest::prelude::*;

const SLICE: u64 = 1_000_000_000;
const SLICES: u64 = 10;

#[derive(Clone, Debug)]
enum Step {
    Succeed(u64),
    Wait(u64),
    Retry { handle: usize },
    Read { handle: usize },
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    percent: u64,
    floor: u32,
}

/// All successes and retries, by the second in which they were.
#[derive(Default)]
struct Model {
    now: u64,
    read_at: u64,
    unread: u64,
    successes: Vec<u64>,
    retries: Vec<u64>,
}

impl Model {
    /// Assigns each success since the previous reading to a second. They are evenly spread, and one at the beginning of a
    /// second belongs to the second before.
    fn read(&mut self) {
        let elapsed = self.now - self.read_at;
        for number in 1..=self.unread {
            let after = (elapsed * number).div_ceil(self.unread);
            let second = (self.read_at + after).saturating_sub(1) / SLICE;
            self.successes.push(if elapsed == 0 { self.now / SLICE } else { second });
        }
        (self.read_at, self.unread) = (self.now, 0);
    }

    fn remaining(&mut self, limits: Limits) -> u64 {
        self.read();
        let second = self.now / SLICE;
        let successes = self.successes.iter().filter(|at| **at + SLICES > second).count() as u64;
        let retries = self.retries.iter().filter(|at| **at + SLICES >= second).count() as u64;
        (u64::from(limits.floor) + successes * limits.percent / 100).saturating_sub(retries)
    }

    fn retry(&mut self, limits: Limits) -> bool {
        let is_granted = self.remaining(limits) > 0;
        if is_granted {
            self.retries.push(self.now / SLICE);
        }
        is_granted
    }
}

fn limits() -> impl Strategy<Value = [Limits; 2]> {
    let any = || (0..=100_u64, 0..4_u32).prop_map(|(percent, floor)| Limits { percent, floor });
    (any(), any()).prop_map(<[Limits; 2]>::from)
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![
        8 => 0..SLICE,
        2 => (0..3_u64).prop_map(|seconds| seconds * SLICE),
        1 => 0..30 * SLICE,
    ];
    let step = prop_oneof![
        3 => (1..20_u64).prop_map(Step::Succeed),
        3 => wait.prop_map(Step::Wait),
        5 => (0..2_usize).prop_map(|handle| Step::Retry { handle }),
        1 => (0..2_usize).prop_map(|handle| Step::Read { handle }),
    ];
    vec(step, 1..200)
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() }
}

/// Runs a script on a circuit and on the model.
fn play(limits: [Limits; 2], script: &[Step]) -> Result<(), TestCaseError> {
    let clock = Clock::new();
    let breaker = Registry::with_clock(&clock).register("model", Config::default()).expect("no such name");
    let handles = limits.map(|Limits { percent, floor }| {
        #[expect(clippy::cast_precision_loss, reason = "it is at most 100")]
        let share = percent as f64 / 100.0;
        breaker.budget().with_share(share).expect("a share").with_floor(floor)
    });
    let pairs: Vec<(RetryBudget, Limits)> = handles.into_iter().zip(limits).collect();
    let mut model = Model::default();
    for step in script {
        match *step {
            Step::Succeed(times) => {
                (0..times).for_each(|_| _ = breaker.try_acquire().expect("closed").settle(Outcome::Success));
                model.unread += times;
            }
            Step::Wait(nanos) => {
                clock.advance(Duration::from_nanos(nanos));
                model.now += nanos;
            }
            Step::Retry { handle } => {
                let (budget, limits) = &pairs[handle];
                prop_assert_eq!(budget.try_retry(), model.retry(*limits));
            }
            Step::Read { handle } => {
                let (budget, limits) = &pairs[handle];
                prop_assert_eq!(budget.remaining(), model.remaining(*limits));
            }
        }
    }
    Ok(())
}

#[test]
fn the_retry_budget_grants_the_retries_of_the_reference_model() {
    proptest!(config(), |(limits in limits(), script in steps())| play(limits, &script)?);
}

/// Successes and retries with their exact times, to check the promise rather than its implementation.
#[test]
fn no_ten_seconds_that_end_with_a_retry_contain_more_of_them_than_the_budget_allows() {
    let script = vec((0..SLICE, 0..6_u64, 0..6_u8), 1..400);
    proptest!(config(), |(script in script, floor in 0..4_u32)| {
        let clock = Clock::new();
        let breaker = Registry::with_clock(&clock).register("exact", Config::default()).expect("no such name");
        let budget = breaker.budget().with_floor(floor);
        let (mut now, mut successes, mut retries) = (0, Vec::new(), Vec::new());
        for (wait, succeeded, retried) in script {
            clock.advance(Duration::from_nanos(wait));
            now += wait;
            _ = budget.remaining();
            for _ in 0..succeeded {
                breaker.try_acquire().expect("closed").settle(Outcome::Success);
                successes.push(now);
            }
            // Read before and after, so that their time is known exactly.
            _ = budget.remaining();
            for _ in 0..retried {
                if !budget.try_retry() {
                    continue;
                }
                retries.push(now);
                let count = |times: &[u64]| times.iter().filter(|at| **at + SLICES * SLICE > now).count();
                prop_assert!(count(&retries) <= floor as usize + count(&successes) / 10);
            }
        }
    });
}
