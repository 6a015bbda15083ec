//! The reference model: a single-threaded circuit breaker that is written to be easy to read.
//!
//! It uses the types of the library for states, causes and outcomes, and none of its code.

use std::collections::BTreeMap;
use std::time::Duration;

use breaker_runtime::{Cause, ErrorKind, Outcome, State, TripReason};

use crate::policy::{Policy, Span};
use crate::script::Adoption;
use crate::window::{Counts, Window};

/// The state of one circuit. Times are nanoseconds.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) policy: Policy,
    pub(crate) now: u64,
    pub(crate) state: State,
    pub(crate) generation: u64,
    pub(crate) since: u64,
    pub(crate) run: u32,
    pub(crate) trials: Vec<Call>,
    /// Number of calls by outcome, and of rejections by reason.
    pub(crate) totals: BTreeMap<&'static str, u64>,
    pub(crate) shadow_rejections: u64,
    /// Number of calls that hold a bulkhead slot.
    pub(crate) in_bulkhead: u32,
    /// All changes since the model was created.
    pub(crate) changes: Vec<Change>,
    pub(crate) time_open: u64,
    window: Window,
    due: u64,
    passed: u32,
    /// The trial calls that the fleet has granted.
    granted: Option<u32>,
    reopenings: u32,
    /// Factor by which late successes have extended the leases.
    lease_factor: u64,
    /// The end of the ramp of a closed circuit.
    ramp_ends: Option<u64>,
    /// Number of random numbers that the ramp has used.
    draws: u64,
    /// The running calls of this generation that may hang.
    watched: Vec<Call>,
    /// When the current `hang` was set.
    hang_since: u64,
    calls: u64,
}

/// An admitted call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Call {
    id: u64,
    /// `None` if the call was admitted only because of shadow mode, or inside a trial call.
    generation: Option<u64>,
    admitted: u64,
    lease_ends: Option<u64>,
    /// The start of the call, if calls are timed.
    started: Option<u64>,
    in_bulkhead: bool,
}

/// A state change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) from: State,
    pub(crate) to: State,
    pub(crate) cause: Cause,
    pub(crate) trip: Option<TripReason>,
}

impl Call {
    pub(crate) fn is_trial(&self) -> bool {
        self.lease_ends.is_some()
    }
}

impl Model {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            now: 0,
            state: State::Closed,
            generation: 0,
            since: 0,
            run: 0,
            trials: Vec::new(),
            totals: BTreeMap::new(),
            shadow_rejections: 0,
            in_bulkhead: 0,
            changes: Vec::new(),
            time_open: 0,
            window: Window::new(policy.window),
            due: 0,
            passed: 0,
            granted: None,
            reopenings: 0,
            lease_factor: 1,
            ramp_ends: None,
            draws: 0,
            watched: Vec::new(),
            hang_since: 0,
            calls: 0,
        }
    }

    pub(crate) fn advance(&mut self, nanos: u64) {
        self.now += nanos;
        self.window.forget(self.now);
        let first = self.trials.iter().filter_map(|trial| trial.lease_ends).min();
        if let Some(end) = first.filter(|&end| end <= self.now) {
            self.change_to(State::Open, Cause::LeaseExpired, end);
        }
        self.advance_closed();
    }

    /// Ends a ramp that is over, and opens the circuit if a call hangs, in the order of time.
    fn advance_closed(&mut self) {
        let hangs_at = self.hangs_at().filter(|&at| at <= self.now);
        if self.ramp_ends.is_some_and(|end| end <= hangs_at.unwrap_or(self.now)) {
            self.end_ramp();
        }
        if let (Some(at), Some(limit)) = (hangs_at, self.policy.hang) {
            self.change_to(State::Open, Cause::ThresholdReached, at);
            let trip = TripReason::HangingCall { limit: Duration::from_nanos(limit) };
            self.changes.last_mut().expect("the circuit has just opened").trip = Some(trip);
        }
    }

    /// Returns when the oldest running call hangs.
    fn hangs_at(&self) -> Option<u64> {
        let oldest = self.watched.iter().map(|call| call.admitted).min()?;
        Some((oldest + self.policy.hang?).max(self.hang_since))
    }

    fn end_ramp(&mut self) {
        (self.ramp_ends, self.reopenings, self.lease_factor) = (None, 0, 1);
    }

    pub(crate) fn set_config(&mut self, policy: Policy) {
        self.window.set_config(policy.window, self.now);
        if self.policy.hang != policy.hang {
            self.hang_since = self.now;
        }
        self.policy = policy;
        if policy.consecutive.is_none() {
            self.run = 0;
        }
        if self.ramp_ends.is_some() {
            match policy.ramp {
                Some(ramp) => self.ramp_ends = Some(self.since + ramp),
                None => self.end_ramp(),
            }
        }
        self.advance_closed();
    }

    pub(crate) fn acquire(&mut self) -> Result<Call, ErrorKind> {
        self.acquire_inside(None)
    }

    /// Admits or rejects a call, which may be inside the call `outer`.
    pub(crate) fn acquire_inside(&mut self, outer: Option<Call>) -> Result<Call, ErrorKind> {
        if self.state == State::Open && self.now >= self.due {
            self.change_to(State::HalfOpen, Cause::RecoveryElapsed, self.now);
        }
        self.calls += 1;
        let mut call = Call {
            id: self.calls,
            generation: Some(self.generation),
            admitted: self.now,
            lease_ends: None,
            started: self.policy.slow_call.map(|_| self.now),
            in_bulkhead: false,
        };
        if self.state == State::Closed && self.is_rejected_by_ramp(outer) {
            return self.reject(call, ErrorKind::Ramping, "ramping");
        }
        match self.state {
            State::Closed => {}
            State::Disabled => return Ok(call),
            State::HalfOpen if outer.is_some_and(|outer| self.trials.contains(&outer)) => {
                return Ok(Call { generation: None, ..call });
            }
            State::HalfOpen if self.has_trial() => {
                call.lease_ends = Some(self.now + self.policy.lease * self.lease_factor);
            }
            State::HalfOpen => return self.reject(call, ErrorKind::HalfOpen, "half-open"),
            State::Open => return self.reject(call, ErrorKind::Open, "open"),
            State::ForcedOpen => return self.reject(call, ErrorKind::ForcedOpen, "forced open"),
        }
        if !outer.is_some_and(|outer| outer.in_bulkhead) {
            call = self.enter_bulkhead(call)?;
        }
        if self.state == State::Closed && self.policy.hang.is_some() {
            self.watched.push(call);
        }
        Ok(call)
    }

    /// Returns `true` if a trial slot is free, and a granted trial call if the fleet counts them.
    fn has_trial(&self) -> bool {
        let running = self.trials.len();
        running < self.policy.trial_slots as usize
            && self.granted.is_none_or(|granted| running + (self.passed as usize) < granted as usize)
    }

    /// Draws whether the ramp rejects a call. It admits every call inside a call that it has admitted.
    fn is_rejected_by_ramp(&mut self, outer: Option<Call>) -> bool {
        let (Some(remaining), Some(ramp)) = (self.ramp_remaining(), self.policy.ramp) else { return false };
        if outer.is_some_and(|outer| outer.generation.is_some()) {
            return false;
        }
        self.draws += 1;
        // The numbers of a test clock are the fractions of the multiples of the golden ratio.
        let draw = self.draws.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11;
        let share = 1.0
            - 0.95
                * (Duration::from_nanos(remaining).as_secs_f64() / Duration::from_nanos(ramp).as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "both numbers have at most 53 bits")]
        let draw = draw as f64 / (1_u64 << 53) as f64;
        draw >= share
    }

    fn reject(&mut self, call: Call, kind: ErrorKind, reason: &'static str) -> Result<Call, ErrorKind> {
        if self.policy.shadow {
            self.shadow_rejections += 1;
            return Ok(Call { generation: None, ..call });
        }
        self.count(reason);
        Err(kind)
    }

    fn enter_bulkhead(&mut self, mut call: Call) -> Result<Call, ErrorKind> {
        if let Some(max) = self.policy.max_concurrent {
            call.in_bulkhead = self.in_bulkhead < max;
            if call.in_bulkhead {
                self.in_bulkhead += 1;
            } else if self.policy.shadow {
                self.shadow_rejections += 1;
            } else {
                self.count("bulkhead");
                return Err(ErrorKind::BulkheadFull);
            }
        }
        if call.is_trial() {
            self.trials.push(call);
        }
        Ok(call)
    }

    /// Settles a call that its caller cancels.
    pub(crate) fn cancel(&mut self, call: Call) {
        let ran = self.now - call.admitted;
        self.settle(
            call,
            if ran >= self.policy.cancelled_after { Outcome::Failure } else { Outcome::Ignored },
        );
    }

    pub(crate) fn settle(&mut self, call: Call, outcome: Outcome) {
        self.count(match outcome {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Ignored => "ignored",
        });
        if call.in_bulkhead {
            self.in_bulkhead -= 1;
        }
        let took = call.started.map_or(0, |started| self.now - started);
        let slow = call.started.is_some() && self.policy.slow_call.is_some_and(|limit| took >= limit);
        if call.generation != Some(self.generation) {
            if call.is_trial() && outcome == Outcome::Success && !slow {
                self.extend_leases(self.now - call.admitted);
            }
            return;
        }
        self.trials.retain(|trial| trial.id != call.id);
        self.watched.retain(|watched| watched.id != call.id);
        let failed = match outcome {
            Outcome::Success => false,
            Outcome::Failure => true,
            Outcome::Ignored => return,
        };
        match self.state {
            State::Closed => self.count_call(failed, slow),
            State::HalfOpen => self.count_trial(failed, slow),
            State::Open | State::ForcedOpen | State::Disabled => {}
        }
    }

    /// Extends the leases after a success that ran for this time and was late.
    fn extend_leases(&mut self, ran: u64) {
        while matches!(self.state, State::Open | State::HalfOpen)
            && self.policy.lease * self.lease_factor <= ran
        {
            self.lease_factor *= 2;
        }
    }

    fn count_call(&mut self, failed: bool, slow: bool) {
        // A run that no rule evaluates is not kept.
        self.run = if failed && self.policy.consecutive.is_some() { self.run + 1 } else { 0 };
        self.window.add(failed, slow, self.now);
        if !failed && !slow {
            return;
        }
        if let Some(trip) = self.trip_reason() {
            self.change_to(State::Open, Cause::ThresholdReached, self.now);
            self.changes.last_mut().expect("the circuit has just opened").trip = Some(trip);
        }
    }

    fn count_trial(&mut self, failed: bool, slow: bool) {
        if failed {
            return self.change_to(State::Open, Cause::TrialFailed, self.now);
        }
        if slow {
            return self.change_to(State::Open, Cause::TrialSlow, self.now);
        }
        self.passed += 1;
        if self.passed >= self.policy.successes.min(self.granted.unwrap_or(u32::MAX)) {
            self.change_to(State::Closed, Cause::TrialsPassed, self.now);
        }
    }

    fn trip_reason(&self) -> Option<TripReason> {
        let Counts { calls, failures, slow } = self.window.counts();
        if let Some(limit) = self.policy.consecutive.filter(|&limit| self.run >= limit) {
            return Some(TripReason::ConsecutiveFailures { failures: self.run, limit });
        }
        if let Some(limit) = self.policy.failures.filter(|&limit| failures >= u64::from(limit)) {
            return Some(TripReason::FailuresInWindow { failures, calls, limit });
        }
        if calls < u64::from(self.policy.minimum_calls) {
            return None;
        }
        if let Some(limit) = self.policy.failure_rate.filter(|&limit| share(failures, calls) >= limit) {
            return Some(TripReason::FailureRate { failures, calls, limit });
        }
        let limit = self.policy.slow_call_rate;
        (self.policy.slow_call.is_some() && share(slow, calls) >= limit).then_some(TripReason::SlowCallRate {
            slow,
            calls,
            limit,
        })
    }

    pub(crate) fn command(&mut self, cause: Cause) {
        let opened_by_itself = matches!(self.state, State::Open | State::HalfOpen);
        match cause {
            Cause::ForcedOpen => self.change_to(State::ForcedOpen, cause, self.now),
            Cause::Disabled => self.change_to(State::Disabled, cause, self.now),
            Cause::Released if opened_by_itself => {}
            _ => self.change_to(State::Closed, cause, self.now),
        }
    }

    /// Follows a decision of the fleet.
    pub(crate) fn adopt(&mut self, adoption: Adoption) {
        match (adoption, self.state) {
            (Adoption::Open { wait, rounds }, State::Closed | State::HalfOpen) => {
                self.change_to(State::Open, Cause::FleetOpened, self.now);
                (self.due, self.reopenings) = (self.now + wait, rounds);
            }
            (Adoption::Close, State::Open | State::HalfOpen) => {
                self.change_to(State::Closed, Cause::FleetClosed, self.now);
            }
            (Adoption::ForceClose, State::Open | State::HalfOpen) => {
                self.change_to(State::Closed, Cause::ForcedClosed, self.now);
            }
            (Adoption::ForceClose, State::Closed) if self.ramp_ends.is_some() => {
                self.change_to(State::Closed, Cause::ForcedClosed, self.now);
            }
            (Adoption::Trial { calls, rounds }, State::Open) => {
                self.change_to(State::HalfOpen, Cause::FleetTrial, self.now);
                (self.granted, self.reopenings) = (Some(calls.max(1)), rounds);
            }
            (Adoption::Hold { age: 0, wait }, State::Open) => self.due = self.now + wait,
            _ => {}
        }
    }

    fn change_to(&mut self, to: State, cause: Cause, at: u64) {
        let from = self.state;
        self.changes.push(Change { from, to, cause, trip: None });
        self.time_open = self.time_open_until(at);
        let was_ramping = self.ramp_ends.take().is_some();
        match (from, to) {
            (State::Closed, State::Open) if was_ramping => self.reopenings += 1,
            (State::HalfOpen, State::Open) => self.reopenings += 1,
            (State::Open, State::HalfOpen) => {}
            (_, State::Closed)
                if matches!(cause, Cause::TrialsPassed | Cause::FleetClosed)
                    && self.policy.ramp.is_some() =>
            {
                self.ramp_ends = self.policy.ramp.map(|ramp| at + ramp);
            }
            _ => self.end_ramp(),
        }
        self.due = at + self.policy.open_for(self.reopenings);
        self.state = to;
        self.generation += 1;
        self.since = at;
        self.run = 0;
        (self.passed, self.granted) = (0, None);
        self.trials.clear();
        self.watched.clear();
        self.window.clear();
    }

    fn count(&mut self, total: &'static str) {
        *self.totals.entry(total).or_default() += 1;
    }

    pub(crate) fn time_open_until(&self, at: u64) -> u64 {
        let is_open = matches!(self.state, State::Open | State::ForcedOpen);
        self.time_open + if is_open { at - self.since } else { 0 }
    }

    pub(crate) fn retry_after(&self) -> Option<u64> {
        (self.state == State::Open).then(|| self.due.saturating_sub(self.now))
    }

    /// Returns the hint of a rejection.
    pub(crate) fn retry_after_of(&self, kind: ErrorKind) -> Option<u64> {
        if kind == ErrorKind::Ramping { self.ramp_remaining() } else { self.retry_after() }
    }

    /// Returns the remaining time of the ramp. The scripts use times far below a second.
    pub(crate) fn ramp_remaining(&self) -> Option<u64> {
        self.ramp_ends.map(|end| end - self.now)
    }

    /// Returns the counts of the window, if there is one.
    pub(crate) fn window(&self) -> Option<Counts> {
        (self.policy.window != Span::None).then(|| self.window.counts())
    }
}

fn share(some: u64, all: u64) -> f64 {
    f64::from(u32::try_from(some).expect("the number of calls is small"))
        / f64::from(u32::try_from(all).expect("the number of calls is small"))
}
