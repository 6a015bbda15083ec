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
    /// When the lease of the trial in each place ends; none in a free place.
    leases: Vec<Option<Moment>>,
    passed: u32,
    last: Option<Transition>,
}

/// A call that goes through: freely, or as the trial in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    Freely,
    AsTrial { place: u32 },
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
        self.trials() >= recovery.half_open_max_calls.get() as usize
    }

    /// Until when nothing changes by itself.
    pub(super) fn until(&self) -> Moment {
        match self.state {
            State::Open => self.due,
            State::HalfOpen => self.leases.iter().flatten().copied().min().unwrap_or(Moment::NEVER),
            State::Closed | State::ForcedOpen | State::Disabled => Moment::NEVER,
        }
    }

    /// Whether a call goes through now, or else which state refuses it.
    pub(super) fn admit(&mut self, now: Moment, recovery: &Recovery) -> Result<Admitted, State> {
        self.expire(now, recovery);
        if self.state == State::Open && now >= self.due {
            self.change(Cause::RecoveryElapsed, now, recovery);
        }
        match self.state {
            State::Closed | State::Disabled => Ok(Admitted::Freely),
            State::HalfOpen if !self.is_full(recovery) => {
                let lease = now.after(recovery.half_open_timeout);
                Ok(Admitted::AsTrial { place: self.take_place(lease) })
            }
            State::HalfOpen | State::Open | State::ForcedOpen => Err(self.state),
        }
    }

    /// The trial that was admitted to `place` in `generation` ended. Late results decide nothing.
    pub(super) fn settle_trial(
        &mut self,
        (generation, place): (u64, u32),
        outcome: Outcome,
        now: Moment,
        recovery: &Recovery,
    ) {
        self.expire(now, recovery);
        if self.generation != generation {
            return;
        }
        if let Some(lease) = self.leases.get_mut(place as usize) {
            *lease = None;
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
            trials: self.trials(),
            last: self.last,
        }
    }

    fn trials(&self) -> usize {
        self.leases.iter().flatten().count()
    }

    fn take_place(&mut self, lease: Moment) -> u32 {
        let place = self.leases.iter().position(Option::is_none).unwrap_or(self.leases.len());
        match self.leases.get_mut(place) {
            Some(free) => *free = Some(lease),
            None => self.leases.push(Some(lease)),
        }
        // There are at most half_open_max_calls places, a u32.
        u32::try_from(place).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn the_generation_after_the_last_is_the_first() {
        let recovery = Recovery {
            recovery_timeout: Duration::MAX,
            half_open_max_calls: NonZeroU32::MIN,
            success_threshold: NonZeroU32::MIN,
            half_open_timeout: Duration::MAX,
        };
        let mut record = Record { generation: MAX_GENERATION, ..Record::new(Moment::NEVER) };
        record.change(Cause::Reset, Moment::NEVER, &recovery);
        assert_eq!(record.generation(), 0);
    }
}
