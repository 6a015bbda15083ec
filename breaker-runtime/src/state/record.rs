//! The plain machine: what a circuit remembers and how it decides, for one thread at a time.
//!
//! It is told the time and reads no clock. Before it decides anything it lets expired leases run
//! out, so that a circuit whose trial hangs has re-opened at the moment the lease ended, whoever
//! comes to notice.

use std::time::Duration;

use super::recovery::Recovery;
use super::transition::{Cause, State, Transition, next};
use super::word::MAX_GENERATION;
use crate::clock::Moment;
use crate::outcome::Outcome;

/// Everything about a circuit but its run of failures.
#[derive(Clone, Debug)]
pub(super) struct Record {
    state: State,
    generation: u64,
    /// When this generation began.
    since: Moment,
    /// When an open circuit admits its first trial.
    due: Moment,
    /// When the lease of each running trial ends.
    leases: Vec<Moment>,
    passed: u32,
    last: Option<Transition>,
}

/// A call that goes through: freely, or as a trial with a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    Freely,
    AsTrial { lease: Moment },
}

/// A call that does not: in which state, and until when that stays so if nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) state: State,
    pub(crate) until: Option<Moment>,
}

/// What one sees from outside at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observation {
    pub(crate) state: State,
    pub(crate) generation: u64,
    pub(crate) time_in_state: Duration,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) consecutive_failures: u32,
    pub(crate) trials: usize,
    pub(crate) last: Option<Transition>,
}

impl Refusal {
    /// How long from `now` until the refusal ends by itself; none if it does not.
    pub(crate) fn retry_after(&self, now: Moment) -> Option<Duration> {
        self.until.and_then(|until| until.wait_from(now))
    }
}

impl Record {
    pub(super) const fn new(now: Moment) -> Self {
        Self {
            state: State::Closed,
            generation: 0,
            since: now,
            due: Moment::NEVER,
            leases: Vec::new(),
            passed: 0,
            last: None,
        }
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn is_full(&self, recovery: &Recovery) -> bool {
        self.leases.len() >= recovery.half_open_max_calls.get() as usize
    }

    /// Until when nothing changes by itself.
    pub(super) fn until(&self) -> Moment {
        match self.state {
            State::Open => self.due,
            State::HalfOpen => self.leases.iter().copied().min().unwrap_or(Moment::NEVER),
            State::Closed | State::ForcedOpen | State::Disabled => Moment::NEVER,
        }
    }

    pub(super) fn admit(&mut self, now: Moment, recovery: &Recovery) -> Result<Admitted, Refusal> {
        self.expire(now, recovery);
        if self.state == State::Open && now >= self.due {
            self.change(Cause::RecoveryElapsed, now, recovery);
        }
        match self.state {
            State::Closed | State::Disabled => Ok(Admitted::Freely),
            State::HalfOpen if !self.is_full(recovery) => {
                let lease = now.after(recovery.half_open_timeout);
                self.leases.push(lease);
                Ok(Admitted::AsTrial { lease })
            }
            State::HalfOpen | State::ForcedOpen => Err(Refusal { state: self.state, until: None }),
            State::Open => Err(Refusal { state: self.state, until: Some(self.due) }),
        }
    }

    /// A trial that was admitted in `generation` with `lease` ended. Late results decide nothing.
    pub(super) fn settle_trial(
        &mut self,
        generation: u64,
        lease: Moment,
        outcome: Outcome,
        now: Moment,
        recovery: &Recovery,
    ) {
        self.expire(now, recovery);
        if self.generation != generation {
            return;
        }
        if let Some(place) = self.leases.iter().position(|&held| held == lease) {
            self.leases.swap_remove(place);
        }
        match outcome {
            Outcome::Success => {
                self.passed += 1;
                if self.passed >= recovery.success_threshold.get() {
                    self.change(Cause::TrialsPassed, now, recovery);
                }
            }
            Outcome::Failure => self.change(Cause::TrialFailed, now, recovery),
            Outcome::Ignored => {}
        }
    }

    /// Lets a lease that is over re-open the circuit at the moment it ended.
    pub(super) fn expire(&mut self, now: Moment, recovery: &Recovery) {
        let ends = self.until();
        if self.state == State::HalfOpen && ends <= now {
            self.change(Cause::LeaseExpired, ends, recovery);
        }
    }

    /// Begins the generation that the table says follows, if it says one does.
    pub(super) fn change(&mut self, cause: Cause, at: Moment, recovery: &Recovery) {
        let Some(to) = next(self.state, cause) else {
            return;
        };
        self.last = Some(Transition { from: self.state, to, cause });
        self.state = to;
        self.generation = (self.generation + 1) & MAX_GENERATION;
        self.since = at;
        self.due = at.after(recovery.recovery_timeout);
        self.leases.clear();
        self.passed = 0;
    }

    pub(super) fn observe(&self, run: u32, now: Moment) -> Observation {
        Observation {
            state: self.state,
            generation: self.generation,
            time_in_state: now.since(self.since),
            retry_after: if self.state == State::Open { self.due.wait_from(now) } else { None },
            consecutive_failures: run,
            trials: self.leases.len(),
            last: self.last,
        }
    }

}
