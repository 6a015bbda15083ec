//! Tests of the packed word.

use super::*;

const STATES: [State; 5] = [State::Closed, State::Open, State::HalfOpen, State::ForcedOpen, State::Disabled];

#[test]
fn a_word_returns_what_was_packed() {
    for state in STATES {
        for generation in [0, 1, MAX_GENERATION] {
            let word = Word::new(state, generation);
            assert_eq!(word.state(), Some(state));
            assert_eq!(word.payload(), 0);
            assert_eq!(word.generation(), generation);
        }
    }
    assert_eq!(Word::BUSY.state(), None);
}

#[test]
fn only_closed_and_disabled_admit_all() {
    let admitting = STATES.map(|state| Word::new(state, 9).admits_all());
    assert_eq!(admitting, [true, false, false, false, true]);
    assert!(!Word::BUSY.admits_all());
    assert!(!Word::new(State::Closed, 9).with_tracking(Tracking::Calls).admits_all());
}

#[test]
fn a_run_grows_by_one_and_stops_at_its_maximum() {
    let clean = Word::new(State::Closed, 7);
    let mut word = clean;
    for run in 1..=1000 {
        word = word.with_longer_run();
        assert_eq!(word.payload(), run);
    }
    assert_eq!(word.without_run(), clean);
    let full = Word(clean.0 | PAYLOAD);
    assert_eq!(full.payload(), MAX_RUN);
    assert_eq!(full.with_longer_run(), full);
}

#[test]
fn a_trial_call_carries_its_slot_and_equals_no_shared_word() {
    let shared = Word::new(State::HalfOpen, 3);
    for slot in [0, 1, 77, MAX_TRIALS] {
        let trial = shared.with_slot(slot);
        assert_eq!(trial.slot(), Some(slot));
        assert_ne!(trial, shared);
        assert_ne!(trial, shared.with_no_free_slot());
        assert_eq!(trial.generation(), 3);
    }
    assert_eq!(shared.slot(), None);
    assert_eq!(shared.with_no_free_slot().slot(), None);
    assert_eq!(Word::new(State::Closed, 3).with_longer_run().with_longer_run().slot(), None);
}

#[test]
fn a_tracked_circuit_is_closed_and_its_calls_equal_no_shared_word() {
    let shared = Word::new(State::Closed, 3).with_longer_run().with_tracking(Tracking::Calls);
    assert_eq!((shared.state(), shared.payload(), shared.generation()), (Some(State::Closed), 1, 3));
    assert!(!shared.admits_all());
    let call = shared.tracked_call().expect("it is tracked");
    assert!(call.is_closed());
    assert_eq!((call.state(), call.generation(), call.slot()), (None, 3, None));
    assert_eq!(Word::new(State::Closed, 3).tracked_call(), None);
    assert_eq!(Word::new(State::Disabled, 3).with_tracking(Tracking::Calls), Word::new(State::Disabled, 3));
}

#[test]
fn calls_that_are_rejected_and_admitted_nevertheless_equal_no_shared_word() {
    let shared = Word::SHADOW_CALL;
    assert!(shared != Word::BUSY && shared.state().is_none() && !shared.admits_all());
    assert!(!shared.is_tracked_call() && !shared.is_closed() && shared.generation() == 0);
    for state in [State::Open, State::HalfOpen, State::ForcedOpen] {
        let waived = Word::new(state, 3).with_no_free_slot().waived_call();
        assert!(waived.is_tracked_call() && waived.is_waived_call() && !waived.is_plainly_tracked_call());
        assert_eq!((waived.state(), waived.generation(), waived.entry()), (None, 3, None));
    }
    let closed = Word::new(State::Closed, 3).with_longer_run().with_tracking(Tracking::Calls);
    assert_eq!(Some(closed.waived_call()), closed.tracked_call(), "it has closed meanwhile");
    assert!(closed.waived_call().is_plainly_tracked_call());
}

#[test]
fn a_circuit_that_checks_its_calls_is_closed_and_they_equal_no_shared_word() {
    let plain = Word::new(State::Closed, 3).with_longer_run();
    for tracking in [Tracking::Run, Tracking::Window, Tracking::Calls, Tracking::Checks] {
        let tracked = plain.with_tracking(tracking);
        let shared = tracked.with_tracking(Tracking::Checks);
        assert_eq!((shared.state(), shared.payload(), shared.generation()), (Some(State::Closed), 1, 3));
        assert!(shared.is_closed() && !shared.admits_all() && shared.tracked_call().is_none());
        assert_eq!(shared.without_checks(tracking), tracked, "the run is kept");
        let call = shared.checked_call().expect("it checks its calls");
        assert!(call.is_closed() && call.is_tracked_call() && call.is_checked_call());
        assert_eq!((call.state(), call.generation(), call.slot(), call.entry()), (None, 3, None, None));
        for entry in [0, 1, MAX_RUN - 1] {
            assert_eq!(call.with_entry(entry).entry(), Some(entry));
            assert_eq!(call.with_entry(entry).generation(), 3);
        }
        assert_eq!(call.with_entry(MAX_RUN), call, "it has no entry");
    }
    assert!(!plain.with_tracking(Tracking::Calls).is_checked_call());
    assert_eq!(plain.checked_call(), None);
}

#[test]
fn generations_are_ordered_across_their_maximum() {
    assert!(is_later_generation(1, 0) && is_later_generation(0, MAX_GENERATION));
    assert!(!is_later_generation(0, 0) && !is_later_generation(0, 1));
    assert!(!is_later_generation(MAX_GENERATION, 0));
}

#[test]
fn a_recording_circuit_differs_from_its_calls_and_one_that_skips_successes_does_not() {
    let plain = Word::new(State::Closed, 3);
    let shared = plain.with_longer_run().with_tracking(Tracking::Window);
    assert_eq!((shared.state(), shared.payload(), shared.generation()), (Some(State::Closed), 1, 3));
    assert!(shared.admits_all() && shared.fast_call() == plain);
    assert_eq!(shared.without_run().without_recording(), plain);
    let tracked = shared.with_tracking(Tracking::Calls);
    assert_eq!(tracked, plain.with_longer_run().with_tracking(Tracking::Calls));
    let skipping = tracked.without_recording();
    assert_ne!(skipping, tracked);
    assert_eq!(skipping.with_tracking(Tracking::Window), tracked);
    assert_eq!((skipping.state(), skipping.payload(), skipping.generation()), (Some(State::Closed), 1, 3));
    assert_eq!(skipping.tracked_call(), tracked.tracked_call());
    let call = tracked.tracked_call().expect("it is tracked");
    let clean = skipping.without_run();
    assert!(clean.is_clean_for(call) && !clean.with_longer_run().is_clean_for(call));
    assert!(!tracked.without_run().is_clean_for(call) && !plain.is_clean_for(call));
    let checked = clean.with_tracking(Tracking::Checks);
    assert!(!checked.is_clean_for(call) && !call.is_clean_for(call));
    let later = Word::new(State::Closed, 4).with_tracking(Tracking::Calls).without_recording();
    assert!(!later.is_clean_for(call));
}

#[test]
fn a_generation_that_wraps_does_not_change_the_state() {
    assert_eq!(Word::new(State::Open, u64::MAX).state(), Some(State::Open));
}

#[test]
fn a_tracked_word_is_lowered_with_its_run() {
    let plain = Word::new(State::Closed, 9).with_longer_run();
    let tracked = plain.with_tracking(Tracking::Calls);
    assert_eq!((tracked.lowered(Tracking::Run), tracked.lowered(Tracking::Calls)), (plain, tracked));
    let recording = plain.with_tracking(Tracking::Window);
    assert_eq!(tracked.without_recording().lowered(Tracking::Window), recording);
    for other in [plain, recording, plain.with_tracking(Tracking::Checks), Word::new(State::Open, 9)] {
        assert_eq!(other.lowered(Tracking::Run), other);
    }
}
