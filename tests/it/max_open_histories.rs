//! Random histories of circuits with `max_open`, compared with a count of the circuits that reject calls.

use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, Config, Outcome, OwnedPermit, Registry, State};

use crate::support::{RECOVERY, seconds};

const KEYS: usize = 4;
const MAX_OPEN: f64 = 0.5;
const MAX_REJECTING: usize = 2;
const OUTCOMES: [Outcome; 3] = [Outcome::Success, Outcome::Failure, Outcome::Ignored];

/// Circuits, and which of them may reject calls. That is decided from their snapshots after every step.
struct History {
    clock: Clock,
    circuits: [CircuitBreaker; KEYS],
    max_trials: usize,
    trials: Vec<Trial>,
    rejecting: [bool; KEYS],
    /// The generation of each circuit after the last step.
    seen: [u64; KEYS],
    /// The generation of each circuit after the last step that used it.
    noticed: [u64; KEYS],
    random: u64,
}

struct Trial {
    index: usize,
    permit: OwnedPermit,
}

impl History {
    fn new(seed: u64) -> Self {
        let max_trials = 1 + usize::try_from(seed % 2).unwrap();
        let leases = [seconds(15), RECOVERY * 10, Duration::MAX];
        let settings = Config::builder().failure_threshold(1).recovery_timeout(RECOVERY).success_threshold(2);
        let settings = settings.half_open_timeout(leases[usize::try_from(seed % 3).unwrap()]);
        let settings = settings.half_open_max_calls(max_trials.try_into().unwrap()).max_open(MAX_OPEN);
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let hosts = registry.register_keyed("hosts", settings.build().unwrap(), 100).unwrap();
        Self {
            clock,
            circuits: ["a", "b", "c", "d"].map(|key| hosts.get(key)),
            max_trials,
            trials: Vec::new(),
            rejecting: [false; KEYS],
            seen: [0; KEYS],
            noticed: [0; KEYS],
            random: seed,
        }
    }

    /// Returns a random number below `end`.
    fn draw(&mut self, end: usize) -> usize {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.random >> 33).unwrap() % end
    }

    /// Returns `true` if the circuit would reject the next call without `max_open`.
    fn wants_to_reject(&self, index: usize) -> bool {
        let snapshot = self.circuits[index].snapshot();
        match snapshot.state {
            State::Open => snapshot.retry_after != Some(Duration::ZERO),
            State::HalfOpen => snapshot.trials_in_flight == self.max_trials,
            State::Closed | State::ForcedOpen | State::Disabled => false,
        }
    }

    fn may_reject(&self, index: usize) -> bool {
        self.rejecting[index] || self.rejecting.iter().filter(|rejects| **rejects).count() < MAX_REJECTING
    }

    fn step(&mut self) {
        let (index, outcome) = (self.draw(KEYS), OUTCOMES[self.draw(OUTCOMES.len())]);
        match self.draw(8) {
            0 => self.circuits[index].reset(),
            1 | 2 => {
                let passed = self.draw(12);
                self.clock.advance(seconds(passed.try_into().unwrap()));
            }
            3 if !self.trials.is_empty() => {
                let chosen = self.draw(self.trials.len());
                let Trial { index, permit } = self.trials.swap_remove(chosen);
                permit.settle(outcome);
                self.update();
                self.request_after_change(index);
            }
            _ => self.call(index, outcome),
        }
        self.update();
    }

    fn call(&mut self, index: usize, outcome: Outcome) {
        let circuit = self.circuits[index].clone();
        let wants_to_reject = self.wants_to_reject(index);
        let rejects = wants_to_reject && self.may_reject(index);
        let seen = (circuit.would_admit(), circuit.snapshot().waives);
        assert_eq!(seen, (!rejects, wants_to_reject && !rejects), "{circuit:?}");
        self.rejecting[index] = rejects;
        match circuit.try_acquire_owned() {
            Err(_) => assert!(rejects, "{circuit:?}"),
            Ok(permit) => {
                assert!(!rejects, "{circuit:?}");
                if permit.is_trial() {
                    self.trials.push(Trial { index, permit });
                } else {
                    permit.settle(outcome);
                }
            }
        }
        self.update();
        self.request_after_change(index);
    }

    /// Ends what circuits hold that reject no call any longer or have changed their state.
    fn update(&mut self) {
        for index in 0..KEYS {
            let generation = self.circuits[index].snapshot().generation;
            self.rejecting[index] &= self.wants_to_reject(index) && self.seen[index] == generation;
            self.seen[index] = generation;
        }
    }

    /// Lets a circuit that this step has opened reject calls, if the share allows it.
    fn request_after_change(&mut self, index: usize) {
        let is_new = std::mem::replace(&mut self.noticed[index], self.seen[index]) != self.seen[index];
        if is_new && self.circuits[index].state() == State::Open && self.wants_to_reject(index) {
            self.rejecting[index] = self.may_reject(index);
        }
    }
}

#[test]
fn histories_agree_with_a_count_of_the_circuits_that_reject() {
    for seed in 0..90 {
        let mut history = History::new(seed);
        for _ in 0..200 {
            history.step();
        }
    }
}
