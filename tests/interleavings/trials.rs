//! Concurrent state changes: trial calls, consecutive failures and the commands of operators.

use std::time::Duration;

use breaker_runtime::testing::{Clock, adoption};
use breaker_runtime::{CircuitBreaker, ErrorKind, Outcome, Settled, State};
use loom::thread;

use super::{
    RECOVERY, breaker, call, leak_permit, permit, race_on, ready_for_trial, strict, with_few_preemptions,
    with_preemptions,
};

#[test]
fn exactly_one_of_two_calls_gets_the_only_trial_slot() {
    with_preemptions(4, || {
        let (_clock, breaker) = ready_for_trial(strict());
        let (one, other) = race_on(&breaker, leak_permit, leak_permit);
        assert!(one != other, "exactly one call is admitted");
        assert_eq!(breaker.snapshot().trials_in_flight, 1);
    });
}

#[test]
fn no_trial_is_rejected_while_a_slot_is_free() {
    with_few_preemptions(|| {
        let (_clock, breaker) = ready_for_trial(strict().half_open_max_calls(2));
        assert_eq!(race_on(&breaker, leak_permit, leak_permit), (true, true));
        assert!(!leak_permit(&breaker));
    });
}

/// Returns a breaker whose circuit is half-open with two free slots. Other tests cover the step to half-open.
fn half_open_with_two_slots() -> (Clock, CircuitBreaker) {
    let (clock, breaker) = ready_for_trial(strict().half_open_max_calls(2));
    call(&breaker, Outcome::Ignored);
    (clock, breaker)
}

/// Returns how many calls were admitted.
fn count_admitted(calls: [bool; 3]) -> usize {
    calls.into_iter().filter(|&admitted| admitted).count()
}

/// The last call begins after the first one has ended, because three calls at the same time have too many
/// interleavings. The other one runs beside both.
#[test]
fn three_threads_never_run_more_trials_than_there_are_slots() {
    with_preemptions(1, || {
        let (_clock, breaker) = half_open_with_two_slots();
        let take = |breaker: &CircuitBreaker| {
            let breaker = breaker.clone();
            thread::spawn(move || leak_permit(&breaker))
        };
        let (first, other) = (take(&breaker), take(&breaker));
        let first = first.join().expect("the thread does not panic");
        let last = leak_permit(&breaker);
        let other = other.join().expect("the thread does not panic");
        assert_eq!(count_admitted([first, last, other]), 2);
    });
}

#[test]
fn two_calls_of_one_thread_and_one_of_another_never_run_more_trials_than_there_are_slots() {
    with_preemptions(2, || {
        let (_clock, breaker) = half_open_with_two_slots();
        let (one, others) = race_on(&breaker, leak_permit, |other| [leak_permit(other), leak_permit(other)]);
        assert_eq!(count_admitted([one, others[0], others[1]]), 2);
    });
}

#[test]
fn a_released_trial_slot_is_taken_exactly_once() {
    with_few_preemptions(|| {
        let (_clock, breaker) = ready_for_trial(strict());
        let trial = permit(&breaker);
        let (one, other) = race_on(&breaker, leak_permit, |other| {
            trial.settle(Outcome::Ignored);
            leak_permit(other)
        });
        assert!(one != other, "exactly one call takes the free slot");
        assert_eq!(breaker.snapshot().trials_in_flight, 1);
    });
}

#[test]
fn failures_of_two_threads_add_up_and_open_the_circuit_once() {
    loom::model(|| {
        let (_clock, breaker) = breaker(strict().failure_threshold(2));
        race_on(&breaker, |one| call(one, Outcome::Failure), |other| call(other, Outcome::Failure));
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.generation), (State::Open, 1));
    });
}

#[test]
fn two_failures_that_each_reach_the_threshold_open_the_circuit_once() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(strict());
        let fail = |breaker: &CircuitBreaker| {
            breaker.try_acquire().map_or_else(
                |error| error.kind() == ErrorKind::Open,
                |permit| {
                    permit.settle(Outcome::Failure);
                    true
                },
            )
        };
        assert_eq!(race_on(&breaker, fail, fail), (true, true));
        assert_eq!(breaker.snapshot().generation, 1);
    });
}

#[test]
fn a_success_concurrent_with_a_failure_ends_the_run_or_precedes_it() {
    loom::model(|| {
        let (_clock, breaker) = breaker(strict().failure_threshold(2));
        race_on(&breaker, |one| call(one, Outcome::Failure), |other| call(other, Outcome::Success));
        let run = breaker.snapshot().consecutive_failures;
        assert!(run <= 1);
        call(&breaker, Outcome::Failure);
        assert_eq!(breaker.state() == State::Open, run == 1);
    });
}

#[test]
fn a_failure_from_before_a_command_never_counts_after_it() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(strict());
        race_on(
            &breaker,
            |one| {
                if let Ok(permit) = one.try_acquire() {
                    thread::yield_now();
                    permit.settle(Outcome::Failure);
                }
            },
            |other| {
                other.force_open();
                other.release();
            },
        );
        let snapshot = breaker.snapshot();
        // Between the two commands no failure can open the circuit; before or after them one may.
        let opened = snapshot.generation == 3;
        assert!(opened || snapshot.generation == 2, "{snapshot:?}");
        assert!(snapshot.state == State::Closed || (opened && snapshot.state == State::Open));
    });
}

#[test]
fn a_permit_from_before_a_command_has_no_effect_after_it() {
    loom::model(|| {
        let (_clock, breaker) = breaker(strict());
        let permit = permit(&breaker);
        race_on(
            &breaker,
            |one| {
                one.disable();
                one.reset();
            },
            |_| permit.settle(Outcome::Failure),
        );
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 0), "{snapshot:?}");
    });
}

#[test]
fn the_effect_of_a_trial_is_exact_while_a_command_ends_its_generation() {
    loom::model(|| {
        let (_clock, breaker) = ready_for_trial(strict());
        let trial = permit(&breaker);
        let (settled, ()) =
            race_on(&breaker, move |_| trial.settle(Outcome::Success), CircuitBreaker::force_open);
        let closed = breaker.snapshot().changes.count(State::HalfOpen, State::Closed);
        assert_eq!(settled == Settled::Counted, closed == 1, "{settled:?}");
    });
}

#[test]
fn a_late_failure_has_opened_nothing() {
    loom::model(|| {
        let (_clock, breaker) = breaker(strict());
        let permit = permit(&breaker);
        let (settled, ()) =
            race_on(&breaker, move |_| permit.settle(Outcome::Failure), CircuitBreaker::reset);
        let changes = breaker.snapshot().changes;
        assert!(settled == Settled::Counted || changes.to(State::Open) == 0, "{changes:?}");
    });
}

#[test]
fn a_command_overrides_a_rule_in_either_order() {
    loom::model(|| {
        let (_clock, breaker) = breaker(strict());
        race_on(
            &breaker,
            |one| _ = one.try_acquire().map(|permit| permit.settle(Outcome::Failure)),
            CircuitBreaker::force_open,
        );
        assert_eq!(breaker.state(), State::ForcedOpen);
    });
}

#[test]
fn a_late_trial_and_the_call_that_sees_its_expired_lease_agree() {
    with_few_preemptions(|| {
        let (clock, breaker) = ready_for_trial(strict().half_open_timeout(Duration::from_secs(1)));
        let trial = breaker.clone();
        let (closed, admitted) = {
            let permit = trial.try_acquire().expect("a trial call is due");
            clock.advance(Duration::from_secs(1));
            let clone = breaker.clone();
            let call = thread::spawn(move || leak_permit(&clone));
            permit.settle(Outcome::Success);
            (breaker.state() == State::Closed, call.join().expect("the thread does not panic"))
        };
        assert_eq!((closed, admitted), (false, false), "the lease had expired before either step");
        assert_eq!(breaker.snapshot().totals.successes, 1);
    });
}

#[test]
fn a_trial_that_succeeds_in_time_never_shows_an_open_circuit() {
    with_few_preemptions(|| {
        let (clock, breaker) = ready_for_trial(strict());
        let trial = permit(&breaker);
        let (shown, ()) = race_on(&breaker, CircuitBreaker::state, |_| {
            trial.settle(Outcome::Success);
            // The lease would end now.
            clock.advance(RECOVERY);
        });
        assert_ne!(shown, State::Open);
    });
}

#[test]
fn closing_and_admitting_are_serialized() {
    with_few_preemptions(|| {
        let (_clock, breaker) = ready_for_trial(strict());
        let trial = breaker.clone();
        let permit = trial.try_acquire().expect("a trial call is due");
        let clone = breaker.clone();
        let call = thread::spawn(move || {
            clone.try_acquire().map(|permit| permit.is_trial()).map_err(|error| error.kind())
        });
        permit.settle(Outcome::Success);
        let seen = call.join().expect("the thread does not panic");
        assert!(matches!(seen, Ok(false) | Err(ErrorKind::HalfOpen)), "{seen:?}");
        assert_eq!(breaker.state(), State::Closed);
    });
}

#[test]
fn a_rejection_has_the_retry_time_of_its_own_generation() {
    with_preemptions(1, || {
        let (clock, breaker) = breaker(strict());
        call(&breaker, Outcome::Failure);
        clock.advance(Duration::from_secs(10));
        let (rejected, ()) = race_on(
            &breaker,
            |one| {
                one.try_acquire().map(std::mem::forget).map_err(|error| (error.kind(), error.retry_after()))
            },
            |other| {
                other.force_close();
                _ = other.try_acquire().map(|permit| permit.settle(Outcome::Failure));
            },
        );
        let first = RECOVERY.checked_sub(Duration::from_secs(10));
        match rejected {
            Ok(()) => {}
            Err((kind, wait)) => {
                assert_eq!(kind, ErrorKind::Open);
                // Zero if the circuit was closed again when `retry_after` was called.
                assert!(wait == first || wait == Some(RECOVERY) || wait == Some(Duration::ZERO), "{wait:?}");
            }
        }
    });
}

#[test]
fn exactly_one_of_two_calls_gets_the_only_trial_call_that_the_fleet_grants() {
    with_preemptions(2, || {
        let (_clock, breaker) = breaker(strict().half_open_max_calls(2));
        call(&breaker, Outcome::Failure);
        let (one, other) = race_on(&breaker, leak_permit, |other| {
            adoption::fleet_grants(other, 1, 0);
            leak_permit(other)
        });
        assert!(one != other, "exactly one call is admitted");
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.trials_in_flight), (State::HalfOpen, 1));
    });
}

#[test]
fn an_ignored_trial_call_gives_its_grant_back_exactly_once() {
    with_preemptions(2, || {
        let (_clock, breaker) = breaker(strict().half_open_max_calls(2));
        call(&breaker, Outcome::Failure);
        adoption::fleet_grants(&breaker, 1, 0);
        let trial = permit(&breaker);
        let (one, other) = race_on(&breaker, leak_permit, |other| {
            trial.settle(Outcome::Ignored);
            leak_permit(other)
        });
        assert!(one != other, "exactly one call uses the grant");
    });
}

#[test]
fn a_hold_and_the_call_that_is_due_agree() {
    with_few_preemptions(|| {
        let (_clock, breaker) = ready_for_trial(strict());
        let held = Duration::from_secs(90);
        let (seen, ()) = race_on(
            &breaker,
            |one| one.try_acquire().map(std::mem::forget).map_err(|error| error.retry_after()),
            move |other| adoption::fleet_holds(other, 1, held),
        );
        let snapshot = breaker.snapshot();
        match seen {
            Ok(()) => assert_eq!((snapshot.state, snapshot.retry_after), (State::HalfOpen, None)),
            Err(wait) => {
                assert_eq!(wait, Some(held));
                assert_eq!((snapshot.state, snapshot.retry_after), (State::Open, Some(held)));
            }
        }
    });
}

#[test]
fn a_rejection_during_a_hold_has_one_of_its_two_waits() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(strict());
        call(&breaker, Outcome::Failure);
        let held = Duration::from_secs(90);
        let (seen, ()) = race_on(
            &breaker,
            |one| {
                let error = one.try_acquire().map(std::mem::forget).expect_err("no call is due");
                (error.kind(), error.retry_after())
            },
            move |other| adoption::fleet_holds(other, 1, held),
        );
        assert!(
            [(ErrorKind::Open, Some(RECOVERY)), (ErrorKind::Open, Some(held))].contains(&seen),
            "{seen:?}"
        );
        assert_eq!(breaker.snapshot().retry_after, Some(held));
    });
}

#[test]
fn the_fleet_and_a_failure_open_the_circuit_once() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(strict());
        race_on(
            &breaker,
            |one| _ = one.try_acquire().map(|permit| permit.settle(Outcome::Failure)),
            |other| adoption::fleet_opens(other, RECOVERY, 0, "refused"),
        );
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.generation), (State::Open, 1));
    });
}

#[test]
fn no_count_is_lost() {
    with_preemptions(2, || {
        let (_clock, breaker) = breaker(strict());
        let third = {
            let breaker = breaker.clone();
            thread::spawn(move || call(&breaker, Outcome::Success))
        };
        race_on(&breaker, |one| call(one, Outcome::Success), |other| call(other, Outcome::Success));
        third.join().expect("the thread does not panic");
        assert_eq!(breaker.snapshot().totals.successes, 3);
    });
}
