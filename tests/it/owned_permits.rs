//! Permits that own their circuit, and what settling a permit of either kind returns.

use std::sync::mpsc;
use std::thread;

use breaker_runtime::{CircuitBreaker, Mode, Outcome, OwnedPermit, Registry, Settled, State};

use crate::support::{Fixture, NANO, RECOVERY, catch_panic, seconds, settings};

fn assert_free<T: Send + Sync + 'static>(_: &T) {}

#[test]
fn an_owned_permit_can_be_settled_on_another_thread_after_its_breaker_handle_is_gone() {
    let registry = Registry::new();
    let breaker = registry.register("owned", settings().max_concurrent(1).build().unwrap()).unwrap();
    let permit = breaker.try_acquire_owned().unwrap();
    assert_free(&permit);
    assert_eq!(format!("{permit:?}"), r#"OwnedPermit { name: "owned", is_trial: false }"#);
    assert!(breaker.try_acquire_owned().is_err(), "it has the only slot");
    drop(breaker);
    let settled = thread::spawn(move || permit.settle(Outcome::Failure)).join().unwrap();
    let snapshot = registry.get("owned").unwrap().snapshot();
    assert_eq!((settled, snapshot.totals.failures, snapshot.consecutive_failures), (Settled::Counted, 1, 1));
    assert_eq!(snapshot.calls_in_flight, Some(0));
}

#[test]
fn an_owned_permit_that_is_dropped_counts_like_a_borrowed_one() {
    let Fixture { clock, breaker } = Fixture::with(settings().max_concurrent(9));
    drop(breaker.try_acquire_owned().unwrap());
    assert_eq!(breaker.snapshot().totals.ignored, 1);
    let late = breaker.try_acquire_owned().unwrap();
    clock.advance(seconds(1));
    drop(late);
    assert_eq!(breaker.snapshot().totals.failures, 1, "it had run for cancelled_after");
    let owner = breaker.clone();
    catch_panic(move || {
        let _permit = owner.try_acquire_owned().unwrap();
        panic!("while the permit exists");
    })
    .unwrap_err();
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.totals.failures, snapshot.calls_in_flight), (2, Some(0)));
    let opened = snapshot.last_transition.unwrap();
    assert_eq!(opened.last_failure.as_deref(), Some("the call panicked"));
}

#[test]
fn an_owned_permit_is_settled_once_even_if_the_text_of_its_failure_panics() {
    struct Bomb;
    impl std::fmt::Display for Bomb {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("no text")
        }
    }
    let Fixture { breaker, .. } = Fixture::with(settings().failure_threshold(1).max_concurrent(1));
    let permit = breaker.try_acquire_owned().unwrap();
    assert_eq!(permit.fail(Bomb), Settled::Counted);
    let snapshot = breaker.snapshot();
    assert_eq!(
        (snapshot.state, snapshot.totals.calls(), snapshot.calls_in_flight),
        (State::Open, 1, Some(0))
    );
}

#[test]
fn the_circuit_of_a_key_is_not_evicted_while_an_owned_permit_exists() {
    let hosts = Registry::new().register_keyed("hosts", settings().build().unwrap(), 1).unwrap();
    let permit: OwnedPermit = hosts.get("a").try_acquire_owned().unwrap();
    assert_eq!(hosts.get("b").key(), None, "no circuit can be evicted");
    permit.settle(Outcome::Success);
    assert_eq!(hosts.get("b").key(), Some("b"));
}

/// Returns the effect of a call that is admitted now and ends with `outcome` after `change`.
fn settled_after(
    breaker: &CircuitBreaker,
    outcome: Outcome,
    change: impl FnOnce(&CircuitBreaker),
) -> Settled {
    let permit = breaker.try_acquire().unwrap();
    change(breaker);
    permit.settle(outcome)
}

const OUTCOMES: [Outcome; 3] = [Outcome::Success, Outcome::Failure, Outcome::Ignored];

#[test]
fn an_outcome_is_late_exactly_if_the_circuit_has_changed_its_state_since_the_admission() {
    let variants = [
        settings().failure_threshold(100),
        settings().failure_threshold(100).max_concurrent(5),
        settings().window_calls(10).failure_rate(1.0).minimum_calls(10).durations(true),
    ];
    for settings in variants {
        let breaker = Fixture::with(settings).breaker;
        for outcome in OUTCOMES {
            assert_eq!(settled_after(&breaker, outcome, |_| {}), Settled::Counted, "{outcome:?}");
            assert_eq!(settled_after(&breaker, outcome, |it| it.reset()), Settled::Late, "{outcome:?}");
            assert_eq!(settled_after(&breaker, outcome, |it| it.force_open()), Settled::Late, "{outcome:?}");
            breaker.disable();
            assert_eq!(settled_after(&breaker, outcome, |_| {}), Settled::Counted, "{outcome:?}, disabled");
            assert_eq!(settled_after(&breaker, outcome, |it| it.release()), Settled::Late, "{outcome:?}");
        }
    }
}

#[test]
fn the_failure_that_opens_the_circuit_counts_and_a_slow_success_can_be_late() {
    let Fixture { clock, breaker } = Fixture::new();
    let late = breaker.try_acquire().unwrap();
    assert_eq!(breaker.try_acquire().unwrap().settle(Outcome::Failure), Settled::Counted);
    assert_eq!(breaker.try_acquire().unwrap().fail("no route"), Settled::Counted);
    assert_eq!(breaker.state(), State::Open);
    assert_eq!(late.fail("no route"), Settled::Late);

    let config = settings().slow_call(seconds(1)).slow_call_rate(1.0).window_calls(10).build().unwrap();
    breaker.set_config(config);
    breaker.reset();
    let [slow, late] = [(); 2].map(|()| breaker.try_acquire().unwrap());
    clock.advance(seconds(2));
    assert_eq!(slow.settle(Outcome::Success), Settled::Counted);
    breaker.reset();
    assert_eq!(late.settle(Outcome::Success), Settled::Late);
}

#[test]
fn a_trial_call_is_late_once_its_lease_has_ended() {
    for outcome in OUTCOMES {
        let Fixture { clock, breaker } = Fixture::ready_for_trial();
        assert_eq!(settled_after(&breaker, outcome, |_| {}), Settled::Counted, "{outcome:?}");
        let Fixture { clock: other, breaker } = Fixture::ready_for_trial();
        assert_eq!(
            settled_after(&breaker, outcome, |_| other.advance(RECOVERY)),
            Settled::Late,
            "{outcome:?}"
        );
        drop(clock);
    }
}

#[test]
fn a_call_that_only_shadow_mode_admits_is_late() {
    let breaker = Fixture::with(settings().mode(Mode::Shadow)).breaker;
    breaker.force_open();
    for outcome in OUTCOMES {
        assert_eq!(settled_after(&breaker, outcome, |_| {}), Settled::Late, "{outcome:?}");
    }
    assert_eq!(breaker.snapshot().totals.calls(), 3);
}

#[test]
fn the_effect_is_exact_while_another_thread_resets_the_circuit() {
    let breaker = Fixture::with(settings().failure_threshold(1).recovery_timeout(NANO)).breaker;
    let (stop, stopped) = mpsc::channel::<()>();
    let other = breaker.clone();
    let resets = thread::spawn(move || {
        while stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {
            other.reset();
        }
    });
    let mut counted = 0;
    for _ in 0..20_000 {
        let Ok(permit) = breaker.try_acquire() else { continue };
        if !permit.is_trial() && permit.settle(Outcome::Failure) == Settled::Counted {
            counted += 1;
        }
    }
    stop.send(()).unwrap();
    resets.join().unwrap();
    // Each failure that counted has opened the circuit, unless a reset came between its count and its opening.
    let opened = breaker.snapshot().changes.to(State::Open);
    assert!(opened <= counted, "{opened} openings, {counted} failures that counted");
}
