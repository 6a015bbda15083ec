//! The state machine of one circuit, for one thread at a time: its data and its decisions.
//!
//! The caller passes the current time; nothing here reads a clock. Every decision first handles expired
//! leases, so a circuit whose trial call hangs reopens at the moment when the lease ended, independent of the
//! next call.

use std::sync::Arc;
use std::time::Duration;

use super::backlog::{DatedTransition, Notification};
use super::history::History;
use super::progress::{FollowedCalls, Progress};
use super::ramp::{Ramp, limited};
use super::recovery::Recovery;
use super::transition::{Cause, Details, State, Transition, next};
use super::word::{MAX_GENERATION, Tracking};
use crate::clock::Moment;
use crate::outcome::{Completion, Outcome, Settled};
use crate::window::TripReason;

/// The state of a circuit, except its run of failures and its window.
#[derive(Debug)]
pub(super) struct Record {
    state: State,
    // The next three are in the word of the state, so that they do not enlarge each circuit.
    /// The highest level of bookkeeping that any settings so far, or a drill, have needed.
    pub(super) tracking: Tracking,
    /// `true` while the circuit has taps.
    pub(super) is_tapped: bool,
    /// `true` while a thread notifies listeners; it also delivers the events that are added meanwhile.
    pub(super) is_notifying: bool,
    generation: u64,
    /// The moment when this generation began.
    since: Moment,
    /// `None` before the first change of state, which most circuits never have.
    progress: Option<Box<Progress>>,
}

/// A call that has run for too long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HungCall {
    pub(crate) generation: u64,
    /// The time that a call may run.
    pub(crate) limit: Duration,
    /// The moment at which the call had run for so long.
    pub(crate) since: Moment,
}

/// The identity of a trial call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrialCall {
    pub(super) generation: u64,
    pub(super) slot: u32,
    /// The time that the call ran; zero while it runs.
    pub(super) ran: Duration,
}

/// The open state of a circuit, as an error remembers it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    /// The moment from which the circuit admits a trial call.
    pub(crate) due: Moment,
    /// The generation of the open state, if it is known.
    pub(crate) generation: Option<u64>,
}

/// The record at one moment, for a snapshot.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub(crate) state: State,
    pub(crate) generation: u64,
    /// The moment at which the generation began.
    pub(crate) since: Moment,
    pub(crate) time_in_state: Duration,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) consecutive_failures: u32,
    pub(crate) ramp: Option<Ramp>,
    pub(crate) trials: usize,
    pub(crate) history: History,
}

impl TrialCall {
    /// Returns the longest time that the call may have run. Its time and its lease are measured by two clocks of the
    /// system, of which one is slewed by up to 0.05 percent.
    fn ran_at_most(&self) -> Duration {
        self.ran.saturating_add(self.ran / 1000)
    }

    /// Returns the trial call with the time that it ran.
    pub(crate) const fn after(self, ran: Duration) -> Self {
        Self { ran, ..self }
    }
}

impl Record {
    pub(super) const fn new(now: Moment) -> Self {
        Self {
            state: State::Closed,
            tracking: Tracking::Run,
            is_tapped: false,
            is_notifying: false,
            generation: 0,
            since: now,
            progress: None,
        }
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns the start of the state.
    pub(super) const fn since(&self) -> Moment {
        self.since
    }

    /// Returns the level of bookkeeping that the circuit needs, except while it ramps.
    pub(super) fn tracking(&self) -> Tracking {
        if self.is_tapped { self.tracking.max(Tracking::Calls) } else { self.tracking }
    }

    /// Returns `true` if a half-open circuit admits no further trial call now.
    pub(super) fn is_full(&self, recovery: &Recovery) -> bool {
        self.progress.as_ref().is_some_and(|progress| progress.is_full(recovery))
    }

    /// Returns the moment until which the state cannot change without a call or an operator, or the end of the
    /// ramp of a closed circuit.
    pub(super) fn until(&self) -> Moment {
        match (self.state, &self.progress) {
            (State::Open, Some(progress)) => progress.due,
            (State::HalfOpen, Some(progress)) => progress.slots.first_expiry(),
            (State::Closed, Some(progress)) => progress.ramp_ends.unwrap_or(Moment::NEVER),
            (State::Closed | State::Open | State::HalfOpen, None)
            | (State::ForcedOpen | State::Disabled, _) => Moment::NEVER,
        }
    }

    /// Returns the calls at the last decision of the fleet, if the circuit has not changed its state by itself since.
    pub(super) fn followed_calls(&self) -> Option<FollowedCalls> {
        self.progress.as_ref()?.followed
    }

    /// Admits a call and returns its trial slot, or `None` if calls are unrestricted.
    ///
    /// # Errors
    ///
    /// Returns the state that rejects the call.
    pub(super) fn admit(&mut self, now: Moment, recovery: &Recovery) -> Result<Option<u32>, State> {
        self.expire(now, recovery);
        if self.state == State::Open && now >= self.until() {
            self.change(Cause::RecoveryElapsed, Details::default(), now, recovery);
        }
        match self.state {
            State::Closed | State::Disabled => Ok(None),
            State::HalfOpen if !self.is_full(recovery) => {
                let progress = self.progress();
                let lease = now.after(recovery.lease(progress.lease_doublings));
                Ok(Some(progress.slots.acquire(lease)))
            }
            State::HalfOpen | State::Open | State::ForcedOpen => Err(self.state),
        }
    }

    /// Returns `true` if a call that arrives now would be admitted, and changes nothing.
    pub(super) fn would_admit(&self, hung: Option<HungCall>, now: Moment, recovery: &Recovery) -> bool {
        let mut copy = self.copy();
        copy.expire_with(hung, now, recovery);
        copy.admit(now, recovery).is_ok()
    }

    /// Starts the lease of a trial call again, because the call begins only now.
    pub(super) fn renew_lease(&mut self, slot: u32, now: Moment, recovery: &Recovery) {
        let progress = self.progress();
        progress.slots.renew(slot, now.after(recovery.lease(progress.lease_doublings)));
    }

    /// Ends the lease of a trial call now if the call has run for longer than a lease.
    pub(super) fn end_exceeded_lease(&mut self, trial: TrialCall, now: Moment, recovery: &Recovery) {
        let progress = self.progress();
        if trial.ran >= recovery.lease(progress.lease_doublings) {
            progress.slots.renew(trial.slot, now);
        }
    }

    /// Records the result of a trial call and releases its slot. A late result changes no state, but a success
    /// may extend the leases.
    pub(super) fn settle_trial(
        &mut self,
        trial: TrialCall,
        completion: Completion,
        details: Details,
        now: Moment,
        recovery: &Recovery,
    ) -> Settled {
        self.expire(now, recovery);
        if self.generation != trial.generation {
            self.extend_leases(trial, completion, recovery);
            return Settled::Late;
        }
        self.progress().slots.release(trial.slot);
        match completion {
            Completion { outcome: Outcome::Ignored, .. } => {}
            Completion { outcome: Outcome::Failure, .. } => {
                self.change(Cause::TrialFailed, details, now, recovery);
            }
            Completion { outcome: Outcome::Success, is_slow: true } => {
                self.change(Cause::TrialSlow, details, now, recovery);
            }
            Completion { outcome: Outcome::Success, is_slow: false } => self.pass_trial(now, recovery),
        }
        Settled::Counted
    }

    /// Makes the next leases longer than a trial call that succeeded although its lease had ended. Otherwise a
    /// healthy dependency whose calls take longer than a lease would never close the circuit.
    fn extend_leases(&mut self, trial: TrialCall, completion: Completion, recovery: &Recovery) {
        let is_recovering = matches!(self.state, State::Open | State::HalfOpen);
        if is_recovering && completion.outcome == Outcome::Success && !completion.is_slow {
            let doublings = recovery.doublings_for(trial.ran_at_most());
            let progress = self.progress();
            progress.lease_doublings = progress.lease_doublings.max(doublings);
        }
    }

    /// Counts a successful trial call; enough of them close the circuit.
    fn pass_trial(&mut self, now: Moment, recovery: &Recovery) {
        if self.progress().pass_trial(recovery) {
            self.change(Cause::TrialsPassed, Details::default(), now, recovery);
        }
    }

    /// Reopens a half-open circuit whose first lease has ended, at the moment when it ended. Ends a ramp that is
    /// over.
    pub(super) fn expire(&mut self, now: Moment, recovery: &Recovery) {
        let ends = self.until();
        if ends > now {
            return;
        }
        match self.state {
            State::HalfOpen => self.change(Cause::LeaseExpired, Details::default(), ends, recovery),
            State::Closed => self.progress().end_ramp(),
            State::Open | State::ForcedOpen | State::Disabled => {}
        }
    }

    /// Opens a closed circuit because of a call of this generation that has run for too long, at the moment when it
    /// had.
    pub(super) fn open_because_of(&mut self, hung: HungCall, recovery: &Recovery) {
        let HungCall { generation, limit, since } = hung;
        if self.state == State::Closed && self.generation == generation {
            let details = Details { trip: Some(TripReason::HangingCall { limit }), ..Details::default() };
            self.change(Cause::ThresholdReached, details, since, recovery);
        }
    }

    /// Draws the random number of an opening that copies of this record will show, so that all of them agree.
    pub(super) fn prepare_opening(&mut self, hung: Option<HungCall>) {
        if hung.is_some() {
            self.progress();
        }
    }

    /// Opens the circuit if a call hangs, and handles what has ended until `now`.
    pub(super) fn expire_with(&mut self, hung: Option<HungCall>, now: Moment, recovery: &Recovery) {
        self.open_if_hung(hung, recovery);
        self.expire(now, recovery);
    }

    /// Opens the circuit if a call hangs.
    pub(super) fn open_if_hung(&mut self, hung: Option<HungCall>, recovery: &Recovery) {
        if let Some(hung) = hung {
            self.open_because_of(hung, recovery);
        }
    }

    /// Returns `true` if the circuit is closed and admits only a share of its calls.
    pub(super) fn is_ramping(&self) -> bool {
        self.state == State::Closed && self.until() != Moment::NEVER
    }

    /// Applies another `ramp` to a ramp that is not over.
    pub(super) fn change_ramp(&mut self, recovery: &Recovery) {
        if !self.is_ramping() {
            return;
        }
        let since = self.since;
        let progress = self.progress();
        match recovery.ramp {
            Some(ramp) => progress.ramp_ends = Some(since.after(limited(ramp))),
            None => progress.end_ramp(),
        }
    }

    /// Begins the next generation, if the table has a transition for this cause.
    pub(super) fn change(&mut self, cause: Cause, details: Details, at: Moment, recovery: &Recovery) {
        let Some(to) = next(self.state, cause) else {
            return;
        };
        let (from, lasted) = (self.state, at.since(self.since));
        self.state = to;
        self.generation = (self.generation + 1) & MAX_GENERATION;
        self.since = at;
        let Details { trip, last_failure, retry_after, initiator } = details;
        let generation = self.generation;
        let transition =
            Transition { from, to, cause, generation, trip, last_failure, retry_after, initiator };
        let progress = self.progress();
        let transition = Arc::new(transition);
        progress.history.add(Arc::clone(&transition), lasted);
        progress.begin(&transition, at, recovery);
        let open_for = recovery.open_for(progress.reopenings, progress.history.draw_jitter());
        progress.due = at.after(recovery.extended_by(retry_after, open_for));
        progress.backlog.push(DatedTransition { transition, at });
    }

    /// Returns the lease of the next trial call. Late successes have made it longer.
    pub(super) fn next_lease(&self, recovery: &Recovery) -> Duration {
        recovery.lease(self.progress.as_ref().map_or(0, |progress| progress.lease_doublings))
    }

    /// Returns the transition that began this generation.
    pub(super) fn last_transition(&self) -> Option<Arc<Transition>> {
        self.progress.as_ref()?.history.last.clone()
    }

    /// Removes and returns the oldest notification that listeners have not received.
    pub(super) fn next_notification(&mut self) -> Option<Notification> {
        self.progress.as_mut()?.backlog.pop()
    }

    /// Returns `true` if listeners have not been notified of every transition.
    pub(super) fn has_pending(&self) -> bool {
        self.progress.as_ref().is_some_and(|progress| !progress.backlog.is_empty())
    }

    /// Returns a copy without pending notifications.
    pub(super) fn copy(&self) -> Self {
        let progress = self.progress.as_ref().map(|progress| Box::new(progress.copy()));
        Self { progress, ..*self }
    }

    /// Returns the record at this moment, after [`expire`](Self::expire).
    pub(super) fn observe(&self, run: u32, now: Moment, recovery: &Recovery) -> Observation {
        let time_in_state = now.since(self.since);
        let ramp = recovery.ramp.filter(|_| self.is_ramping());
        let history = self.progress.as_ref().map_or_else(History::new, |progress| progress.history.clone());
        Observation {
            state: self.state,
            generation: self.generation,
            since: self.since,
            time_in_state,
            retry_after: if self.state == State::Open { self.until().wait_from(now) } else { None },
            consecutive_failures: run,
            ramp: ramp.map(|length| Ramp::ending_in(self.until().since(now), length)),
            trials: self.trials(),
            history: history.until(self.state, time_in_state),
        }
    }

    fn trials(&self) -> usize {
        self.progress.as_ref().map_or(0, |progress| progress.slots.in_use())
    }

    pub(super) fn progress(&mut self) -> &mut Progress {
        self.progress.get_or_insert_with(|| Box::new(Progress::new()))
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
        ramp: None,
    };

    #[test]
    fn the_generation_wraps_to_zero_after_its_maximum() {
        let mut record = Record { generation: MAX_GENERATION, ..Record::new(Moment::NEVER) };
        record.change(Cause::Reset, Details::default(), Moment::NEVER, &RECOVERY);
        assert_eq!(record.generation(), 0);
    }

    #[test]
    fn observing_an_expired_lease_twice_shows_the_same_due_time_under_jitter() {
        let recovery = Recovery { jitter: Share::new(1.0).expect("in range"), ..RECOVERY };
        let mut record = Record::new(Moment::from_nanos(0));
        record.change(Cause::ThresholdReached, Details::default(), Moment::from_nanos(0), &recovery);
        record.admit(Moment::from_nanos(50), &recovery).expect("the circuit is due");
        let due = [(); 2].map(|()| {
            let mut seen = record.copy();
            seen.expire(Moment::from_nanos(90), &recovery);
            seen.until()
        });
        assert_eq!(due[0], due[1]);
        record.expire(Moment::from_nanos(90), &recovery);
        assert_eq!(record.until(), due[0]);
    }
}
