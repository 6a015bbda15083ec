//! A breaker for one thread, written for nothing but to be read.

use breaker_runtime::{Cause, Outcome, State};

#[derive(Clone, Debug)]
pub(crate) struct Obvious {
    pub(crate) threshold: u32,
    pub(crate) recovery: u64,
    pub(crate) places: usize,
    pub(crate) successes: u32,
    pub(crate) lease: u64,
    pub(crate) now: u64,
    pub(crate) state: State,
    pub(crate) generation: u64,
    pub(crate) since: u64,
    pub(crate) run: u32,
    pub(crate) passed: u32,
    pub(crate) trials: Vec<Call>,
    /// Successes, failures, ignored, rejected.
    pub(crate) totals: [u64; 4],
    calls: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Call {
    id: u64,
    generation: u64,
    lease_ends: Option<u64>,
}

impl Call {
    pub(crate) fn is_trial(&self) -> bool {
        self.lease_ends.is_some()
    }
}

impl Obvious {
    pub(crate) fn new(threshold: u32, recovery: u64, places: usize, successes: u32, lease: u64) -> Self {
        let (now, since, generation, run, passed, calls) = (0, 0, 0, 0, 0, 0);
        let (state, trials, totals) = (State::Closed, Vec::new(), [0; 4]);
        Self {
            threshold,
            recovery,
            places,
            successes,
            lease,
            now,
            state,
            generation,
            since,
            run,
            passed,
            trials,
            totals,
            calls,
        }
    }

    fn go(&mut self, state: State, at: u64) {
        self.state = state;
        self.generation += 1;
        self.since = at;
        self.run = 0;
        self.passed = 0;
        self.trials.clear();
    }

    fn count(&mut self, total: usize) {
        self.totals.get_mut(total).map(|count| *count += 1).unwrap_or_default();
    }

    fn let_leases_end(&mut self) {
        if let Some(end) = self.trials.iter().filter_map(|trial| trial.lease_ends).min()
            && end <= self.now
        {
            self.go(State::Open, end);
        }
    }

    pub(crate) fn acquire(&mut self) -> Option<Call> {
        self.let_leases_end();
        if self.state == State::Open && self.now >= self.since + self.recovery {
            self.go(State::HalfOpen, self.now);
        }
        self.calls += 1;
        let call = Call { id: self.calls, generation: self.generation, lease_ends: None };
        match self.state {
            State::Closed | State::Disabled => return Some(call),
            State::HalfOpen if self.trials.len() < self.places => {
                self.trials.push(Call { lease_ends: Some(self.now + self.lease), ..call });
                return self.trials.last().copied();
            }
            State::HalfOpen | State::Open | State::ForcedOpen => self.count(3),
        }
        None
    }

    pub(crate) fn settle(&mut self, call: Call, outcome: Outcome) {
        self.let_leases_end();
        self.count(outcome as usize);
        if call.generation != self.generation {
            return;
        }
        self.trials.retain(|trial| trial.id != call.id);
        match (self.state, outcome) {
            (State::Closed, Outcome::Success) => self.run = 0,
            (State::Closed, Outcome::Failure) => {
                self.run += 1;
                if self.run >= self.threshold {
                    self.go(State::Open, self.now);
                }
            }
            (State::HalfOpen, Outcome::Success) => {
                self.passed += 1;
                if self.passed >= self.successes {
                    self.go(State::Closed, self.now);
                }
            }
            (State::HalfOpen, Outcome::Failure) => self.go(State::Open, self.now),
            (State::Closed | State::HalfOpen, Outcome::Ignored)
            | (State::Open | State::ForcedOpen | State::Disabled, _) => {}
        }
    }

    pub(crate) fn order(&mut self, cause: Cause) {
        self.let_leases_end();
        let opened_by_itself = matches!(self.state, State::Open | State::HalfOpen);
        match cause {
            Cause::ForcedOpen => self.go(State::ForcedOpen, self.now),
            Cause::Disabled => self.go(State::Disabled, self.now),
            Cause::Released if opened_by_itself => {}
            _ => self.go(State::Closed, self.now),
        }
    }

    /// What one sees; looking changes nothing.
    pub(crate) fn seen(&self) -> Self {
        let mut seen = self.clone();
        seen.let_leases_end();
        seen
    }

    pub(crate) fn retry_after(&self) -> Option<u64> {
        (self.state == State::Open).then(|| (self.since + self.recovery).saturating_sub(self.now))
    }
}
