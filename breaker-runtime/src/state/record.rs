//! The plain machine: what a circuit remembers and how it decides, for one thread at a time.
//!
//! It is told the time and reads no clock. Before it decides anything it lets expired leases run
//! out, so that a circuit whose trial hangs has re-opened at the moment the lease ended, whoever
//! comes to notice.

use std::sync::Arc;
use std::time::Duration;

use super::history::History;
use super::leases::Leases;
use super::recovery::Recovery;
use super::transition::{Cause, Details, State, Transition, next};
use super::word::MAX_GENERATION;
use crate::clock::Moment;

/// Everything about a circuit but its run of failures and its window.
#[derive(Clone, Debug)]
pub(super) struct Record {
    state: State,
    generation: u64,
    /// When this generation began.
    since: Moment,
    /// None before the first change: most circuits never have one, and stay small.
    course: Option<Box<Course>>,
}

/// What a circuit needs that was ever anything but closed.
#[derive(Clone, Debug)]
struct Course {
    /// When an open circuit admits its first trial.
    due: Moment,
    leases: Leases,
    passed: u32,
    /// How often trials have re-opened it since it was closed.
    reopenings: u32,
    history: History,
}

/// A call that goes through: freely, or as the trial in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    Freely,
    AsTrial { place: u32 },
}

/// How a trial ended.
#[derive(Clone, Debug)]
pub(crate) enum Trial {
    Passed,
    Failed(Details),
    Slow(Details),
    Ignored,
}

/// What one sees from outside at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub(crate) state: State,
    pub(crate) generation: u64,
    pub(crate) time_in_state: Duration,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) consecutive_failures: u32,
    pub(crate) trials: usize,
    pub(crate) history: History,
}

impl Record {
    pub(super) const fn new(now: Moment) -> Self {
        Self { state: State::Closed, generation: 0, since: now, course: None }
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
        match (self.state, &self.course) {
            (State::Open, Some(course)) => course.due,
            (State::HalfOpen, Some(course)) => course.leases.first_to_end(),
            (State::Open | State::HalfOpen, None)
            | (State::Closed | State::ForcedOpen | State::Disabled, _) => Moment::NEVER,
        }
    }

    /// Whether a call goes through now, or else which state refuses it.
    pub(super) fn admit(&mut self, now: Moment, recovery: &Recovery) -> Result<Admitted, State> {
        self.expire(now, recovery);
        if self.state == State::Open && now >= self.until() {
            self.change(Cause::RecoveryElapsed, Details::default(), now, recovery);
        }
        match self.state {
            State::Closed | State::Disabled => Ok(Admitted::Freely),
            State::HalfOpen if !self.is_full(recovery) => {
                let lease = now.after(recovery.half_open_timeout);
                Ok(Admitted::AsTrial { place: self.course().leases.take(lease) })
            }
            State::HalfOpen | State::Open | State::ForcedOpen => Err(self.state),
        }
    }

    /// The trial that was admitted to `place` in `generation` ended. Late results decide nothing.
    pub(super) fn settle_trial(
        &mut self,
        (generation, place): (u64, u32),
        trial: Trial,
        now: Moment,
        recovery: &Recovery,
    ) {
        self.expire(now, recovery);
        if self.generation != generation {
            return;
        }
        let course = self.course();
        course.leases.give_back(place);
        match trial {
            Trial::Passed => {
                course.passed += 1;
                if course.passed >= recovery.success_threshold.get() {
                    self.change(Cause::TrialsPassed, Details::default(), now, recovery);
                }
            }
            Trial::Failed(details) => self.change(Cause::TrialFailed, details, now, recovery),
            Trial::Slow(details) => self.change(Cause::TrialSlow, details, now, recovery),
            Trial::Ignored => {}
        }
    }

    /// Lets a lease that is over re-open the circuit at the moment it ended.
    pub(super) fn expire(&mut self, now: Moment, recovery: &Recovery) {
        let ends = self.until();
        if self.state == State::HalfOpen && ends <= now {
            self.change(Cause::LeaseExpired, Details::default(), ends, recovery);
        }
    }

    /// Begins the generation that the table says follows, if it says one does.
    pub(super) fn change(&mut self, cause: Cause, details: Details, at: Moment, recovery: &Recovery) {
        let Some(to) = next(self.state, cause) else {
            return;
        };
        let (from, lasted) = (self.state, at.since(self.since));
        self.state = to;
        self.generation = (self.generation + 1) & MAX_GENERATION;
        self.since = at;
        let Details { trip, last_failure, initiator } = details;
        let generation = self.generation;
        let transition = Transition { from, to, cause, generation, trip, last_failure, initiator };
        let course = self.course();
        course.history.add(Arc::new(transition), lasted);
        course.begin(from, to);
        course.due = at.after(recovery.open_for(course.reopenings, course.history.draw_jitter()));
    }

    /// The oldest change that nobody was told of.
    pub(super) fn next_news(&mut self) -> Option<Arc<Transition>> {
        self.course.as_mut()?.history.pending.pop_front()
    }

    pub(super) fn has_news(&self) -> bool {
        self.course.as_ref().is_some_and(|course| !course.history.pending.is_empty())
    }

    pub(super) fn observe(&self, run: u32, now: Moment) -> Observation {
        let time_in_state = now.since(self.since);
        let history = self.course.as_ref().map_or_else(History::new, |course| course.history.clone());
        Observation {
            state: self.state,
            generation: self.generation,
            time_in_state,
            retry_after: if self.state == State::Open { self.until().wait_from(now) } else { None },
            consecutive_failures: run,
            trials: self.trials(),
            history: history.until(self.state, time_in_state),
        }
    }

    fn trials(&self) -> usize {
        self.course.as_ref().map_or(0, |course| course.leases.count())
    }

    fn course(&mut self) -> &mut Course {
        self.course.get_or_insert_with(|| Box::new(Course::new()))
    }
}

impl Course {
    fn new() -> Self {
        let (leases, history) = (Leases::new(), History::new());
        Self { due: Moment::NEVER, leases, passed: 0, reopenings: 0, history }
    }

    fn begin(&mut self, from: State, to: State) {
        self.leases.clear();
        self.passed = 0;
        self.reopenings = match (from, to) {
            (State::HalfOpen, State::Open) => self.reopenings.saturating_add(1),
            (State::Open, State::HalfOpen) => self.reopenings,
            _ => 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::state::{Factor, Share};

    const RECOVERY: Recovery = Recovery {
        recovery_timeout: Duration::from_nanos(10),
        backoff: Factor::ONE,
        max_recovery_timeout: Duration::MAX,
        jitter: Share::NONE,
        half_open_max_calls: NonZeroU32::MIN,
        success_threshold: NonZeroU32::MIN,
        half_open_timeout: Duration::from_nanos(10),
    };

    #[test]
    fn the_generation_after_the_last_is_the_first() {
        let mut record = Record { generation: MAX_GENERATION, ..Record::new(Moment::NEVER) };
        record.change(Cause::Reset, Details::default(), Moment::NEVER, &RECOVERY);
        assert_eq!(record.generation(), 0);
    }

    #[test]
    fn two_looks_at_an_expired_lease_see_the_same_due_time_however_it_is_drawn() {
        let recovery = Recovery { jitter: Share::new(1.0).expect("in range"), ..RECOVERY };
        let mut record = Record::new(Moment::from_nanos(0));
        record.change(Cause::ThresholdReached, Details::default(), Moment::from_nanos(0), &recovery);
        record.admit(Moment::from_nanos(50), &recovery).expect("it is due");
        let due = [(); 2].map(|()| {
            let mut seen = record.clone();
            seen.expire(Moment::from_nanos(90), &recovery);
            seen.until()
        });
        assert_eq!(due[0], due[1]);
        record.expire(Moment::from_nanos(90), &recovery);
        assert_eq!(record.until(), due[0]);
    }
}
