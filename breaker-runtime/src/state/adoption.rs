//! The decisions of a fleet of processes that one circuit follows (feature `redis`).
//!
//! The machine does not know how the fleet decides. It follows a decision only from a state that the circuit has
//! reached by itself: what an operator of this process commanded stays.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use super::progress::FollowedCalls;
use super::record::Record;
use super::recovery::Recovery;
use super::transition::{Cause, Details, State, next};
use crate::clock::Moment;

/// The initiator of the transitions that a fleet causes.
const FLEET: &str = "fleet";

/// A decision of the fleet about one circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "only the feature `redis` and the tests of it make decisions")]
pub(crate) enum Adoption {
    /// Opens a closed or half-open circuit.
    Open {
        /// The time after which this process makes trial calls without the fleet.
        wait: Duration,
        /// Number of times that trial calls of the fleet have reopened the circuit.
        rounds: u32,
        /// The text of the failure that opened the circuit of the fleet.
        reason: Option<Arc<str>>,
    },
    /// Closes an open or half-open circuit.
    Close,
    /// Closes an open or half-open circuit wholly, and ends the ramp of a closed one: an operator has closed that of
    /// the fleet.
    ForceClose { initiator: Arc<str> },
    /// Makes an open circuit half-open.
    Trial {
        /// The number of trial calls in all; zero counts as one. A call that is ignored or cancelled is admitted again.
        calls: u32,
        /// Number of times that trial calls of the fleet have reopened the circuit.
        rounds: u32,
    },
    /// Moves the end of the open time, if the circuit is open in this generation.
    Hold {
        generation: u64,
        /// The time from now after which this process makes trial calls without the fleet.
        wait: Duration,
    },
}

impl Record {
    /// Follows a decision of the fleet, if it applies to the state. The circuit has had this many calls and questions
    /// so far.
    #[allow(dead_code, reason = "only the feature `redis` and the tests of it adopt decisions")]
    pub(super) fn adopt_after(&mut self, calls: u64, adoption: Adoption, now: Moment, recovery: &Recovery) {
        self.expire(now, recovery);
        let known = self.followed_calls().filter(|known| known.calls == calls);
        self.adopt(adoption, now, recovery);
        let unused_from = match self.state() {
            State::Open => self.until(),
            State::HalfOpen => now,
            State::Closed | State::ForcedOpen | State::Disabled => return,
        };
        self.progress().followed = known.or(Some(FollowedCalls { calls, unused_from }));
    }

    /// Follows a decision of the fleet, if it applies to the state.
    #[allow(dead_code, reason = "only the feature `redis` and the tests of it adopt decisions")]
    pub(super) fn adopt(&mut self, adoption: Adoption, now: Moment, recovery: &Recovery) {
        self.expire(now, recovery);
        match adoption {
            Adoption::Open { wait, rounds, reason } => {
                if self.follow(Cause::FleetOpened, reason, now, recovery) {
                    let progress = self.progress();
                    (progress.due, progress.reopenings) = (now.after(wait), rounds);
                }
            }
            Adoption::Close => _ = self.follow(Cause::FleetClosed, None, now, recovery),
            Adoption::ForceClose { initiator } => {
                if next(self.state(), Cause::FleetClosed).is_some() || self.is_ramping() {
                    let details = Details { initiator: Some(initiator), ..Details::default() };
                    self.change(Cause::ForcedClosed, details, now, recovery);
                }
            }
            Adoption::Trial { calls, rounds } => {
                if self.follow(Cause::FleetTrial, None, now, recovery) {
                    let progress = self.progress();
                    progress.granted = Some(NonZeroU32::new(calls).unwrap_or(NonZeroU32::MIN));
                    progress.reopenings = rounds;
                }
            }
            Adoption::Hold { generation, wait } => {
                if self.state() == State::Open && self.generation() == generation {
                    self.progress().due = now.after(wait);
                }
            }
        }
    }

    /// Begins the next generation because of the fleet. Returns `false` if the cause does not apply in this state.
    fn follow(&mut self, cause: Cause, reason: Option<Arc<str>>, now: Moment, recovery: &Recovery) -> bool {
        let applies = next(self.state(), cause).is_some();
        if applies {
            let initiator = Some(Arc::from(FLEET));
            let details = Details { last_failure: reason, initiator, ..Details::default() };
            self.change(cause, details, now, recovery);
        }
        applies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::outcome::{Completion, Outcome};
    use crate::state::machine::{Machine, Ticket};
    use crate::state::{Factor, Share};

    const RECOVERY: Recovery = Recovery {
        recovery_timeout: Duration::from_secs(10),
        backoff: match Factor::new(2.0) {
            Some(factor) => factor,
            None => Factor::ONE,
        },
        max_recovery_timeout: Duration::from_secs(1000),
        jitter: Share::NONE,
        half_open_max_calls: NonZeroU32::MIN,
        success_threshold: NonZeroU32::MIN,
        half_open_timeout: Duration::from_secs(5),
        ramp: None,
    };

    const CLOSE: Adoption = Adoption::Close;

    fn second(second: u64) -> Moment {
        Moment::from_nanos(0).after(Duration::from_secs(second))
    }

    fn open(wait: u64, rounds: u32) -> Adoption {
        Adoption::Open { wait: Duration::from_secs(wait), rounds, reason: Some(Arc::from("refused")) }
    }

    fn trial(calls: u32) -> Adoption {
        Adoption::Trial { calls, rounds: 2 }
    }

    fn hold(generation: u64, wait: u64) -> Adoption {
        Adoption::Hold { generation, wait: Duration::from_secs(wait) }
    }

    /// Settles the trial call in this slot.
    fn settle(record: &mut Record, slot: u32, outcome: Outcome, now: Moment, recovery: &Recovery) {
        let trial = crate::state::TrialCall { generation: record.generation(), slot, ran: Duration::ZERO };
        let completion = Completion { outcome, is_slow: false };
        record.settle_trial(trial, completion, Details::default(), now, recovery);
    }

    /// Returns a circuit that the fleet has opened at second 0.
    fn opened(recovery: &Recovery) -> Record {
        let mut record = Record::new(second(0));
        record.adopt(open(60, 2), second(0), recovery);
        record
    }

    #[test]
    fn an_open_fleet_opens_the_circuit_with_its_own_wait_and_reason() {
        let record = opened(&RECOVERY);
        assert_eq!((record.state(), record.until()), (State::Open, second(60)));
        let change = record.last_transition().expect("the circuit has opened");
        assert_eq!((change.cause, change.initiator.as_deref()), (Cause::FleetOpened, Some("fleet")));
        assert_eq!(change.to_string(), r#"closed -> open: opened by the fleet; last failure: "refused""#);
    }

    #[test]
    fn an_open_circuit_stays_as_it_is_when_the_fleet_opens() {
        let mut record = opened(&RECOVERY);
        record.adopt(open(90, 7), second(1), &RECOVERY);
        assert_eq!((record.generation(), record.until()), (1, second(60)));
    }

    #[test]
    fn a_half_open_circuit_opens_with_the_fleet() {
        let mut record = opened(&RECOVERY);
        record.admit(second(60), &RECOVERY).expect("a trial call is due");
        record.adopt(open(30, 1), second(61), &RECOVERY);
        assert_eq!((record.state(), record.until()), (State::Open, second(91)));
    }

    #[test]
    fn a_closed_fleet_closes_the_circuit_and_begins_its_ramp() {
        let ramping = Recovery { ramp: Some(Duration::from_secs(20)), ..RECOVERY };
        for recovery in [RECOVERY, ramping] {
            let mut record = opened(&recovery);
            record.adopt(CLOSE, second(1), &recovery);
            assert_eq!((record.state(), record.is_ramping()), (State::Closed, recovery.ramp.is_some()));
            record.adopt(CLOSE, second(2), &recovery);
            assert_eq!(record.generation(), 2, "a closed circuit stays as it is");
        }
    }

    #[test]
    fn an_operator_of_the_fleet_closes_the_circuit_without_a_ramp_and_ends_one() {
        let ramping = Recovery { ramp: Some(Duration::from_secs(20)), ..RECOVERY };
        let force_close = || Adoption::ForceClose { initiator: Arc::from("ada (fleet)") };
        let mut record = opened(&ramping);
        record.adopt(force_close(), second(1), &ramping);
        assert_eq!((record.state(), record.is_ramping()), (State::Closed, false));
        let change = record.last_transition().expect("it has closed").to_string();
        assert_eq!(change, "open -> closed: forced closed by ada (fleet)");
        record.adopt(force_close(), second(2), &ramping);
        assert_eq!(record.generation(), 2, "a closed circuit stays as it is");
        record.adopt(open(60, 2), second(3), &ramping);
        record.adopt(CLOSE, second(4), &ramping);
        assert!(record.is_ramping());
        record.adopt(force_close(), second(5), &ramping);
        assert_eq!((record.is_ramping(), record.generation()), (false, 5));
        for cause in [Cause::ForcedOpen, Cause::Disabled] {
            record.change(cause, Details::default(), second(6), &ramping);
            let state = record.state();
            record.adopt(force_close(), second(7), &ramping);
            assert_eq!(record.state(), state, "an operator of this process is stronger");
        }
    }

    #[test]
    fn granted_trial_calls_are_counted_and_an_ignored_one_is_admitted_again() {
        let recovery = Recovery {
            half_open_max_calls: NonZeroU32::new(2).unwrap(),
            success_threshold: NonZeroU32::new(9).unwrap(),
            ..RECOVERY
        };
        let mut record = opened(&recovery);
        record.adopt(trial(3), second(1), &recovery);
        let slots = [(); 2].map(|()| record.admit(second(1), &recovery).expect("it is granted").unwrap());
        assert_eq!(record.admit(second(1), &recovery), Err(State::HalfOpen), "two run at a time");
        settle(&mut record, slots[0], Outcome::Success, second(1), &recovery);
        settle(&mut record, slots[1], Outcome::Ignored, second(1), &recovery);
        assert!(record.would_admit(None, second(1), &recovery));
        let slots = [(); 2].map(|()| record.admit(second(2), &recovery).expect("it is granted").unwrap());
        settle(&mut record, slots[0], Outcome::Success, second(2), &recovery);
        assert!(record.is_full(&recovery) && !record.would_admit(None, second(2), &recovery));
        assert_eq!(record.admit(second(2), &recovery), Err(State::HalfOpen), "a slot is free, and no grant");
        settle(&mut record, slots[1], Outcome::Success, second(2), &recovery);
        assert_eq!(record.state(), State::Closed, "all granted calls have succeeded");
    }

    #[test]
    fn fewer_successes_than_granted_calls_close_the_circuit() {
        let mut record = opened(&RECOVERY);
        record.adopt(trial(3), second(1), &RECOVERY);
        let slot = record.admit(second(1), &RECOVERY).expect("it is granted").unwrap();
        settle(&mut record, slot, Outcome::Success, second(1), &RECOVERY);
        assert_eq!(record.state(), State::Closed);
    }

    #[test]
    fn a_grant_of_no_call_admits_one() {
        let mut record = opened(&RECOVERY);
        record.adopt(trial(0), second(1), &RECOVERY);
        assert!(record.would_admit(None, second(1), &RECOVERY));
    }

    #[test]
    fn the_open_time_grows_with_the_rounds_of_the_fleet() {
        let mut record = opened(&RECOVERY);
        record.adopt(trial(3), second(1), &RECOVERY);
        let slot = record.admit(second(1), &RECOVERY).expect("it is granted").unwrap();
        settle(&mut record, slot, Outcome::Failure, second(1), &RECOVERY);
        assert_eq!((record.state(), record.until()), (State::Open, second(1 + 10 * 8)));
        // The next trial calls are those of this process alone, without a grant.
        let slot = record.admit(second(81), &RECOVERY).expect("a trial call is due").unwrap();
        settle(&mut record, slot, Outcome::Success, second(81), &RECOVERY);
        assert_eq!(record.state(), State::Closed);
    }

    #[test]
    fn only_an_open_circuit_takes_trial_calls() {
        let mut record = Record::new(second(0));
        record.adopt(trial(1), second(0), &RECOVERY);
        assert_eq!((record.state(), record.generation()), (State::Closed, 0));
    }

    #[test]
    fn a_hold_moves_the_end_of_its_own_open_generation_only() {
        let mut record = opened(&RECOVERY);
        record.adopt(hold(1, 90), second(10), &RECOVERY);
        assert_eq!(record.until(), second(100));
        record.adopt(hold(1, 5), second(10), &RECOVERY);
        assert_eq!(record.until(), second(15), "it may also shorten the time");
        record.adopt(hold(0, 90), second(10), &RECOVERY);
        record.adopt(hold(2, 90), second(10), &RECOVERY);
        assert_eq!((record.until(), record.generation()), (second(15), 1));
        record.adopt(trial(1), second(10), &RECOVERY);
        record.adopt(hold(2, 90), second(10), &RECOVERY);
        assert_eq!((record.state(), record.until()), (State::HalfOpen, Moment::NEVER));
    }

    #[test]
    fn decisions_of_the_fleet_are_no_calls_and_a_transition_of_the_circuit_itself_is_one() {
        let mut record = Record::new(second(0));
        let unused_from = |record: &Record| record.followed_calls().map(|followed| followed.unused_from);
        for (calls, adoption, at, expected) in [
            (5, open(60, 0), 0, 60),
            (5, hold(1, 90), 10, 60),
            (6, hold(1, 90), 20, 110),
            (6, hold(1, 90), 100, 110),
            (6, trial(1), 150, 110),
            (6, open(90, 0), 160, 110),
            (7, trial(1), 170, 170),
        ] {
            record.adopt_after(calls, adoption.clone(), second(at), &RECOVERY);
            assert_eq!(unused_from(&record), Some(second(expected)), "{adoption:?} at {at}");
        }
        let slot = record.admit(second(171), &RECOVERY).expect("it is granted").unwrap();
        settle(&mut record, slot, Outcome::Failure, second(171), &RECOVERY);
        assert_eq!((record.state(), unused_from(&record)), (State::Open, None));
    }

    #[test]
    fn a_lease_that_has_ended_comes_before_the_decision() {
        let mut record = opened(&RECOVERY);
        record.admit(second(60), &RECOVERY).expect("a trial call is due");
        record.adopt(open(90, 0), second(70), &RECOVERY);
        let change = record.last_transition().expect("the circuit has opened");
        assert_eq!((change.cause, record.generation()), (Cause::LeaseExpired, 3));
    }

    #[test]
    fn the_command_of_an_operator_is_stronger() {
        for command in [Cause::ForcedOpen, Cause::Disabled] {
            let mut record = Record::new(second(0));
            record.change(command, Details::default(), second(0), &RECOVERY);
            for adoption in [open(1, 1), CLOSE, trial(1), hold(1, 1)] {
                record.adopt(adoption.clone(), second(1), &RECOVERY);
                let seen = (record.generation(), record.until());
                assert_eq!(seen, (1, Moment::NEVER), "{adoption:?} after {command}");
            }
        }
    }

    impl AsRef<Recovery> for Recovery {
        fn as_ref(&self) -> &Recovery {
            self
        }
    }

    #[test]
    fn calls_see_a_hold_without_the_lock() {
        let clock = Clock::default();
        let machine = Machine::new(RECOVERY, clock.now());
        let moved = |adoption| _ = machine.adopt(0, adoption, &clock, || None);
        moved(Adoption::Open { wait: Duration::ZERO, rounds: 0, reason: None });
        assert_eq!(machine.reject_fast(&clock), None, "a trial call is due");
        moved(hold(1, 3600));
        assert_eq!(machine.reject_fast(&clock), Some(State::Open));
        moved(hold(1, 0));
        assert_eq!(machine.reject_fast(&clock), None);
        assert!(machine.admit_locked(&clock).ticket.ok().and_then(Ticket::trial).is_some());
    }
}
