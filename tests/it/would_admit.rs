//! `would_admit`: it answers as the next `try_acquire` would, and changes nothing.

use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ConfigBuilder, Mode, Outcome, OwnedPermit, Registry, State,
};

use crate::support::{ALMOST_RECOVERY, Fixture, NANO, RECOVERY, poll_once, seconds, settings};

/// Returns the answer, after checking that it has changed nothing.
fn checked(breaker: &CircuitBreaker) -> bool {
    let before = breaker.snapshot();
    let answer = breaker.would_admit();
    assert_eq!(breaker.snapshot(), before, "asking has changed something");
    answer
}

#[test]
fn the_answer_follows_the_state_the_recovery_timeout_and_the_trial_slots() {
    let Fixture { clock, breaker } = Fixture::new();
    assert!(checked(&breaker));
    (0..2).for_each(|_| _ = breaker.try_acquire().unwrap().settle(Outcome::Failure));
    assert!(!checked(&breaker));
    clock.advance(ALMOST_RECOVERY);
    assert!(!checked(&breaker));
    clock.advance(NANO);
    assert!(checked(&breaker), "a trial call is due");
    assert_eq!(breaker.state(), State::Open, "only a call makes it half-open");

    let first = breaker.try_acquire().unwrap();
    assert!(checked(&breaker), "one of two trial slots is free");
    let second = breaker.try_acquire().unwrap();
    assert!(!checked(&breaker));
    second.settle(Outcome::Ignored);
    assert!(checked(&breaker));

    // The lease of the first trial call ends, which reopens the circuit for another recovery timeout.
    clock.advance(RECOVERY);
    assert!(!checked(&breaker));
    clock.advance(RECOVERY);
    assert!(checked(&breaker));
    drop(first);
}

#[test]
fn the_answer_follows_the_commands_of_operators_and_the_mode() {
    let fixture = Fixture::with(settings().max_concurrent(1));
    let breaker = &fixture.breaker;
    breaker.force_open();
    assert!(!checked(breaker));
    breaker.release();
    let running = breaker.try_acquire().unwrap();
    assert!(!checked(breaker), "the only slot is in use");
    breaker.disable();
    assert!(checked(breaker), "a disabled circuit has no limit");
    fixture.set_config(settings().max_concurrent(1).mode(Mode::Shadow));
    for command in [CircuitBreaker::force_open, CircuitBreaker::force_close] {
        command(breaker);
        assert!(checked(breaker), "shadow mode rejects nothing");
    }
    drop(running);
}

#[test]
fn a_slot_that_a_waiting_call_is_entitled_to_is_not_free() {
    let Fixture { clock, breaker } = Fixture::with(settings().max_concurrent(1).max_wait(seconds(60)));
    let running = breaker.try_acquire().unwrap();
    let waiting = breaker.clone();
    let mut waiting = Box::pin(waiting.call_async(std::future::pending::<Result<(), BreakerError>>()));
    assert!(poll_once(waiting.as_mut()).is_pending());
    running.settle(Outcome::Success);
    assert!(!checked(&breaker), "the slot is offered to the waiting call");
    clock.advance(seconds(1));
    assert!(checked(&breaker), "the offer has lapsed");
    drop(waiting);
    assert!(checked(&breaker));
}

/// The settings of the random test, by a small number.
fn variant(number: u32) -> ConfigBuilder {
    let base = settings().cancelled_after(seconds(3600));
    match number % 6 {
        0 => base,
        1 => base.max_concurrent(2),
        2 => base.half_open_max_calls(1).success_threshold(1).backoff(2.0),
        3 => base.max_concurrent(1).durations(true),
        4 => Config::builder().window_calls(4).failure_rate(0.5).minimum_calls(2).max_concurrent(3),
        _ => base.max_concurrent(1).mode(Mode::Shadow),
    }
}

#[test]
fn the_answer_agrees_with_try_acquire_after_every_step_of_random_histories() {
    for seed in 0..200_u64 {
        let mut random = fastrand::Rng::with_seed(seed);
        let Fixture { clock, breaker } = Fixture::with(variant(random.u32(..)));
        let mut running: Vec<OwnedPermit> = Vec::new();
        for step in 0..60 {
            match random.u32(0..20) {
                0 => breaker.force_open(),
                1 => breaker.release(),
                2 => breaker.disable(),
                3 => breaker.force_close(),
                4 => breaker.set_config(variant(random.u32(..)).build().unwrap()),
                5..=8 => clock.advance(RECOVERY / random.u32(1..4)),
                9..=13 if !running.is_empty() => {
                    let permit = running.swap_remove(random.usize(..running.len()));
                    let outcomes = [Outcome::Failure, Outcome::Success, Outcome::Ignored];
                    permit.settle(outcomes[random.usize(..3)]);
                }
                _ => {}
            }
            let answer = checked(&breaker);
            let acquired = breaker.try_acquire_owned();
            assert_eq!(answer, acquired.is_ok(), "seed {seed}, step {step}: {breaker:?}");
            if random.bool() {
                running.extend(acquired.ok());
            }
        }
    }
}

#[test]
fn the_answer_for_a_key_creates_no_circuit() {
    let config = || settings().build().unwrap();
    let hosts = Registry::new().register_keyed("hosts", config(), 2).unwrap();
    assert!(hosts.would_admit("a"));
    assert_eq!(hosts.len(), 0);
    hosts.get("a").force_open();
    assert!(!hosts.would_admit("a"));
    assert!(hosts.would_admit("b"));

    // All circuits are in use, so further keys share the overflow circuit.
    hosts.get("b").force_open();
    assert!(hosts.would_admit("c"));
    assert_eq!(hosts.get("c").key(), None);
    hosts.overflow().force_open();
    assert!(!hosts.would_admit("c"));
    assert!(!hosts.would_admit(&"long".repeat(100)));
    hosts.remove("b");
    assert!(hosts.would_admit("c"), "there is space for another circuit");
    assert_eq!(hosts.len(), 1);
}

#[test]
fn the_answer_for_a_new_key_does_not_depend_on_earlier_calls() {
    let hosts = Registry::new().register_keyed("hosts", settings().build().unwrap(), 1).unwrap();
    let a = hosts.get("a");
    a.force_open();
    hosts.overflow().force_open();
    assert!(!hosts.would_admit("b"), "no call has found the table full");
    assert!(hosts.get("b").try_acquire().is_err());
    a.release();
    drop(a);
    assert!(hosts.would_admit("b"), "the circuit of the other key can be evicted");
    assert!(hosts.get("b").try_acquire().is_ok());
}

#[test]
fn a_new_key_is_admitted_if_one_of_many_circuits_can_be_evicted_for_it() {
    let hosts = Registry::new().register_keyed("hosts", Config::default(), 100).unwrap();
    let mut held: Vec<_> = (0..100).map(|host| hosts.get(&format!("held {host}"))).collect();
    hosts.overflow().force_open();
    assert_eq!(hosts.get("new").key(), None);
    assert!(!hosts.would_admit("new"));
    drop(held.remove(50));
    assert!(hosts.would_admit("new"));
    assert_eq!(hosts.get("new").key(), Some("new"));
}
