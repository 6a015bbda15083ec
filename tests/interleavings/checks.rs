//! Circuits that close gradually, or that watch for calls that hang.

use std::time::Duration;

use breaker_runtime::{CircuitBreaker, Outcome, Permit, Settled, State};

use super::{
    RECOVERY, breaker, call, leak_permit, permit, race_on, ready_for_trial, strict, with_few_preemptions,
    with_preemptions,
};

const RAMP: Duration = Duration::from_secs(40);
const HANG: Duration = Duration::from_secs(10);

/// Settles a failure of a call that the ramp admitted, while another thread makes the first call after the ramp.
#[test]
fn a_failure_concurrent_with_the_end_of_a_ramp_counts() {
    with_few_preemptions(|| {
        let (clock, breaker) = ready_for_trial(strict().failure_threshold(2).ramp(RAMP));
        call(&breaker, Outcome::Success);
        // In its second half, the ramp admits most calls, so that few are rejected before one is admitted.
        clock.advance(RAMP / 2);
        let admitted = std::iter::repeat_with(|| super::leaked(&breaker).try_acquire()).flatten().next();
        let admitted = admitted.expect("the ramp admits a share");
        clock.advance(RAMP / 2);
        race_on(
            &breaker,
            |one| drop(one.try_acquire().expect("the ramp is over")),
            |_| admitted.settle(Outcome::Failure),
        );
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.consecutive_failures, snapshot.ramp), (State::Closed, 1, None));
        call(&breaker, Outcome::Failure);
        assert_eq!(breaker.state(), State::Open);
    });
}

/// Two calls find that the ramp is over. Both are admitted, and the failure of one of them counts.
#[test]
fn two_calls_at_the_end_of_a_ramp_are_both_admitted_and_counted() {
    with_few_preemptions(|| {
        let (clock, breaker) = ready_for_trial(strict().failure_threshold(3).ramp(RAMP));
        call(&breaker, Outcome::Success);
        clock.advance(RAMP);
        race_on(&breaker, |one| call(one, Outcome::Failure), |other| call(other, Outcome::Failure));
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.consecutive_failures), (State::Closed, 2));
    });
}

fn rejected(breaker: &CircuitBreaker) -> bool {
    breaker.try_acquire().is_err()
}

#[test]
fn two_calls_that_notice_a_hanging_one_open_the_circuit_once_and_are_both_rejected() {
    with_few_preemptions(|| {
        let (clock, breaker) = breaker(strict().hang(HANG));
        assert!(leak_permit(&breaker));
        clock.advance(HANG);
        assert_eq!(race_on(&breaker, rejected, rejected), (true, true));
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.generation), (State::Open, 1));
    });
}

#[test]
fn a_call_that_begins_while_another_one_ends_is_watched() {
    with_few_preemptions(|| {
        let (clock, breaker) = breaker(strict().hang(HANG));
        let ending = permit(&breaker);
        race_on(&breaker, |one| assert!(leak_permit(one)), |_| ending.settle(Outcome::Success));
        assert_eq!(breaker.state(), State::Closed);
        clock.advance(HANG);
        assert!(rejected(&breaker));
    });
}

/// A call that ends at the moment when it hangs either opens the circuit, or another call does.
#[test]
fn a_hanging_call_that_ends_while_it_is_noticed_opens_the_circuit_once() {
    with_few_preemptions(|| {
        let (clock, breaker) = breaker(strict().hang(HANG));
        let hung = permit(&breaker);
        clock.advance(HANG);
        let (is_rejected, settled) = race_on(&breaker, rejected, |_| hung.settle(Outcome::Success));
        assert_eq!((is_rejected, settled), (true, Settled::Late));
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.state, snapshot.generation, snapshot.totals.successes), (State::Open, 1, 1));
    });
}

/// Reads snapshots while a call begins to hang and another thread makes a change, and returns the generation at the end.
/// A snapshot that shows the circuit as open shows an opening that happens before the change.
fn check_shown_opening(
    change: impl Fn(&CircuitBreaker, Permit<'_>) + Send + Sync + 'static,
    after_opening: u64,
) {
    with_few_preemptions(move || {
        let (clock, breaker) = breaker(strict().hang(HANG));
        let hanging = permit(&breaker);
        let look = move |breaker: &CircuitBreaker| {
            clock.advance(HANG);
            breaker.snapshot()
        };
        let (shown, ()) = race_on(&breaker, look, |breaker| change(breaker, hanging));
        let last = breaker.snapshot();
        if shown.state == State::Open {
            assert_eq!((shown.generation, last.generation), (1, after_opening));
        }
    });
}

#[test]
fn an_opening_by_a_hanging_call_that_was_shown_precedes_a_command() {
    check_shown_opening(|breaker, _| breaker.force_open(), 2);
}

#[test]
fn an_opening_by_a_hanging_call_that_was_shown_precedes_its_end() {
    check_shown_opening(|_, hanging| _ = hanging.settle(Outcome::Success), 1);
}

#[test]
fn an_opening_by_a_hanging_call_that_was_shown_precedes_a_longer_limit() {
    let longer = strict().hang(HANG * 9).build().expect("the settings are in range");
    check_shown_opening(move |breaker, _hanging| breaker.set_config(longer.clone()), 1);
}

/// A call of the old generation is added or ends while a call of the new generation begins.
#[test]
fn a_call_of_an_earlier_generation_never_counts_as_one_of_a_later_generation() {
    with_preemptions(2, || {
        let (clock, breaker) = breaker(strict().hang(HANG));
        let old = permit(&breaker);
        breaker.force_close();
        race_on(&breaker, |one| assert!(leak_permit(one)), |_| old.settle(Outcome::Success));
        assert_eq!(breaker.state(), State::Closed);
        clock.advance(HANG);
        assert!(rejected(&breaker));
        clock.advance(RECOVERY);
        call(&breaker, Outcome::Success);
        clock.advance(HANG);
        assert_eq!(breaker.state(), State::Closed);
    });
}
