//! The recovery and the history of one circuit, from its first change of state on.

use std::num::NonZeroU32;

use super::backlog::Backlog;
use super::history::History;
use super::ramp::limited;
use super::recovery::Recovery;
use super::transition::{Cause, State, Transition};
use super::trial_slots::TrialSlots;
use crate::clock::Moment;

/// The recovery and the history of a circuit that has changed its state at least once.
#[derive(Debug)]
pub(super) struct Progress {
    /// The moment from which an open circuit admits a trial call.
    pub(super) due: Moment,
    pub(super) slots: TrialSlots,
    /// Trial calls that succeeded in this generation.
    pub(super) successes: u32,
    /// The trial calls that the fleet has granted to this generation; `None` without a limit.
    pub(super) granted: Option<NonZeroU32>,
    /// Number of times that trial calls have reopened the circuit since it was last closed: its own ones, or those of
    /// the fleet.
    pub(super) reopenings: u32,
    /// Number of times that the lease of trial calls has been doubled since the circuit was last closed.
    pub(super) lease_doublings: u32,
    /// The end of the ramp of a closed circuit, until that is noticed.
    pub(super) ramp_ends: Option<Moment>,
    /// The calls at the last decision of the fleet; `None` if the circuit has changed its state by itself since.
    pub(super) followed: Option<FollowedCalls>,
    pub(super) history: History,
    pub(super) backlog: Backlog,
}

/// The calls of a circuit at the last decision of the fleet. The fleet moves the end of the open time again and again, so
/// that moment does not tell whether the circuit still has callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FollowedCalls {
    /// Number of calls, and of questions whether a call would be admitted.
    pub(crate) calls: u64,
    /// The end of the first open time, or the start of the first trial calls, without a further call since.
    pub(crate) unused_from: Moment,
}

impl Progress {
    pub(super) fn new() -> Self {
        let (slots, history) = (TrialSlots::new(), History::new());
        Self {
            due: Moment::NEVER,
            slots,
            successes: 0,
            granted: None,
            reopenings: 0,
            lease_doublings: 0,
            ramp_ends: None,
            followed: None,
            history,
            backlog: Backlog::default(),
        }
    }

    /// Returns a copy without pending notifications.
    pub(super) fn copy(&self) -> Self {
        let (slots, history) = (self.slots.clone(), self.history.clone());
        Self { slots, history, backlog: Backlog::default(), ..*self }
    }

    /// Resets the data of one generation. The recovery goes on until the circuit has wholly closed.
    pub(super) fn begin(&mut self, transition: &Transition, at: Moment, recovery: &Recovery) {
        let &Transition { from, to, cause, .. } = transition;
        let was_ramping = self.ramp_ends.take().is_some_and(|ends| at < ends);
        self.slots.clear();
        (self.successes, self.granted, self.followed) = (0, None, None);
        match (from, to) {
            (State::Closed, State::Open) if was_ramping => self.count_reopening(),
            (State::HalfOpen, State::Open) => self.count_reopening(),
            (State::Open, State::HalfOpen) => {}
            _ => {
                let ramp =
                    recovery.ramp.filter(|_| matches!(cause, Cause::TrialsPassed | Cause::FleetClosed));
                match ramp {
                    Some(ramp) => self.ramp_ends = Some(at.after(limited(ramp))),
                    None => self.end_ramp(),
                }
            }
        }
    }

    /// Returns `true` if no trial slot is free, or the trial calls that the fleet has granted run or have succeeded.
    pub(super) fn is_full(&self, recovery: &Recovery) -> bool {
        let running = self.slots.in_use();
        let has_used = |granted: NonZeroU32| running + self.successes as usize >= granted.get() as usize;
        running >= recovery.half_open_max_calls.get() as usize || self.granted.is_some_and(has_used)
    }

    /// Counts a successful trial call. Returns `true` if the circuit closes: enough of them have succeeded, or all
    /// that the fleet has granted.
    pub(super) fn pass_trial(&mut self, recovery: &Recovery) -> bool {
        self.successes += 1;
        let needed = recovery.success_threshold;
        self.successes >= self.granted.map_or(needed, |granted| granted.min(needed)).get()
    }

    fn count_reopening(&mut self) {
        self.reopenings = self.reopenings.saturating_add(1);
    }

    /// Ends the recovery: every call is admitted.
    pub(super) fn end_ramp(&mut self) {
        (self.ramp_ends, self.reopenings, self.lease_doublings) = (None, 0, 0);
    }
}
