//! Keyed circuits, with threads that use new keys all the time.

use std::collections::BTreeSet;
use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, Config, Event, KeyedBreaker, Registry, State};

use crate::{THREADS, any_outcome, any_settings, run_threads};

const MAX_KEYS: u32 = 16;
const CALLS: u64 = 3000;

fn keyed() -> (Clock, KeyedBreaker) {
    let clock = Clock::new();
    let config = Config::builder().failure_threshold(3).recovery_timeout(Duration::from_millis(10)).build();
    let breakers = Registry::with_clock(&clock).register_keyed("stress", config.unwrap(), MAX_KEYS);
    (clock, breakers.unwrap())
}

#[test]
fn keys_stay_within_max_keys_and_their_totals_add_up_and_never_decrease() {
    // Regression of resilience4j#650 #703: keyed circuits were never evicted.
    let (clock, breakers) = keyed();
    let mut before = 0;
    let mut open_before = Duration::ZERO;
    run_threads(
        |mut random, _| {
            for _ in 0..CALLS {
                let key = random.u32(0..MAX_KEYS * 3).to_string();
                if let Ok(permit) = breakers.get(&key).try_acquire() {
                    permit.settle(any_outcome(&mut random));
                }
                match random.u8(0..100) {
                    0 => drop(breakers.remove(&key)),
                    2..5 => breakers.get(&key).force_open(),
                    5..10 => breakers.get(&key).release(),
                    1 => breakers.retain(|_, _| random.bool()),
                    _ => {}
                }
            }
        },
        |random| {
            clock.advance(Duration::from_millis(random.u64(0..5)));
            if random.u8(0..10) == 0 {
                breakers.set_config(any_settings(random).build().unwrap());
            }
            assert!(breakers.len() <= MAX_KEYS as usize, "{}", breakers.len());
            let calls = breakers.totals().calls();
            assert!(calls >= before, "{calls} after {before}");
            before = calls;
            let time_open = breakers.snapshot().time_open;
            assert!(time_open >= open_before, "open for {time_open:?} after {open_before:?}");
            open_before = time_open;
        },
    );
    assert!(breakers.len() <= MAX_KEYS as usize);
    assert_eq!(breakers.totals().calls(), THREADS * CALLS);
}

#[test]
fn no_key_is_listed_twice_while_keys_are_removed_and_used_again() {
    let breakers = Registry::new().register_keyed("stress", Config::default(), 1000).unwrap();
    run_threads(
        |mut random, _| {
            for _ in 0..CALLS * 10 {
                let key = random.u32(0..200).to_string();
                drop(breakers.get(&key));
                if random.u8(0..8) == 0 {
                    breakers.remove(&key);
                }
            }
        },
        |_| {
            let circuits: Vec<_> = breakers.iter().collect();
            let keys: BTreeSet<_> = circuits.iter().filter_map(CircuitBreaker::key).collect();
            assert_eq!(circuits.len(), keys.len());
        },
    );
}

#[test]
fn threads_that_change_settings_from_listeners_and_remove_keys_do_not_deadlock() {
    let (clock, breakers) = keyed();
    let config = breakers.config();
    let listener = {
        let (breakers, config) = (breakers.clone(), config.clone());
        move |_: &Event| {
            breakers.set_config(config.clone());
            _ = (breakers.get("from listener"), breakers.totals());
        }
    };
    for key in 0..MAX_KEYS {
        breakers.get(&key.to_string()).listen(listener.clone()).detach();
    }
    run_threads(
        |mut random, _| {
            for _ in 0..CALLS / 10 {
                let circuit = breakers.get(&random.u32(0..MAX_KEYS).to_string());
                if let Ok(permit) = circuit.try_acquire() {
                    permit.settle(any_outcome(&mut random));
                }
                if random.u8(0..20) == 0 {
                    breakers.set_config(config.clone());
                    drop(breakers.remove(&random.u32(0..MAX_KEYS).to_string()));
                }
            }
        },
        |random| clock.advance(Duration::from_millis(random.u64(0..5))),
    );
    assert_eq!(breakers.totals().calls(), THREADS * (CALLS / 10));
}

#[test]
fn threads_that_use_one_new_key_share_one_circuit() {
    let (_clock, breakers) = keyed();
    for round in 0..MAX_KEYS {
        let key = format!("new {round}");
        run_threads(|_, _| breakers.get(&key).try_acquire().map(drop).unwrap(), |_| {});
        assert_eq!(breakers.find(&key).unwrap().snapshot().totals.ignored, THREADS);
    }
    assert_eq!(breakers.len(), MAX_KEYS as usize);
}

#[test]
fn no_command_and_no_running_call_loses_its_circuit_to_an_eviction() {
    let (_clock, breakers) = keyed();
    run_threads(
        |mut random, thread| {
            for call in 0..CALLS {
                // A key that others use at the same time, and new keys that evict its circuit.
                let key = random.u32(0..MAX_KEYS * 2).to_string();
                let own = format!("thread {thread}");
                let circuit = breakers.get(&own);
                if circuit.key().is_some() {
                    if call % 2 == 0 {
                        circuit.force_open();
                        drop(circuit);
                        let found = breakers.find(&own).expect("a circuit that is forced open stays");
                        assert_eq!(found.state(), State::ForcedOpen);
                        found.reset();
                    } else {
                        let permit = circuit.try_acquire().unwrap();
                        drop(breakers.get(&key));
                        let found = breakers.find(&own).expect("a circuit that runs a call stays");
                        assert_eq!(found.snapshot().generation, circuit.snapshot().generation);
                        found.force_open();
                        assert_eq!(circuit.state(), State::ForcedOpen);
                        circuit.reset();
                        drop(permit);
                    }
                }
                drop(breakers.get(&key));
            }
        },
        |_| _ = breakers.totals(),
    );
}
