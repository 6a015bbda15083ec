//! Keyed breakers: one circuit per key, the limit on their number, and eviction.

use std::sync::{Arc, Barrier};

use breaker_runtime::testing::Clock;
use breaker_runtime::{
    CircuitBreaker, Config, ErrorKind, Event, KeyedBreaker, Outcome, RegisterError, Registry, State,
};

use crate::support::{RECOVERY, seconds, settings};

struct Keys {
    clock: Clock,
    registry: Registry,
    breakers: KeyedBreaker,
}

impl Keys {
    fn at_most(max_keys: u32) -> Self {
        Self::with(settings().build().unwrap(), max_keys)
    }

    fn with(config: Config, max_keys: u32) -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let breakers = registry.register_keyed("shop", config, max_keys).unwrap();
        Self { clock, registry, breakers }
    }

    fn end(&self, key: &str, outcome: Outcome) {
        self.breakers.get(key).try_acquire().unwrap().settle(outcome);
    }

    fn is_overflow(&self, circuit: &CircuitBreaker) -> bool {
        // A reset starts a new generation, so it identifies the circuit it reached.
        let before = circuit.snapshot().generation;
        self.breakers.overflow().reset();
        circuit.snapshot().generation > before
    }

    /// Returns `true` if the key uses the overflow circuit.
    fn overflows(&self, key: &str) -> bool {
        self.is_overflow(&self.breakers.get(key))
    }
}

#[test]
fn failures_of_one_key_do_not_open_the_circuit_of_another() {
    let keys = Keys::at_most(100);
    for _ in 0..2 {
        keys.end("bad", Outcome::Failure);
        keys.end("good", Outcome::Success);
    }
    assert_eq!(keys.breakers.get("bad").state(), State::Open);
    assert_eq!(keys.breakers.get("good").state(), State::Closed);
    let error = keys.breakers.get("bad").try_acquire().unwrap_err();
    assert_eq!((error.kind(), error.name(), error.key()), (ErrorKind::Open, "shop", Some("bad")));
    assert!(error.to_string().starts_with(r#"circuit breaker "shop" for "bad" is open"#), "{error}");
    keys.clock.advance(RECOVERY);
    assert!(keys.breakers.get("bad").try_acquire().unwrap().is_trial());
}

#[test]
fn a_key_always_finds_the_same_circuit() {
    let keys = Keys::at_most(100);
    assert!(keys.breakers.is_empty() && keys.breakers.find("a").is_none());
    keys.breakers.get("a").force_open();
    assert_eq!(keys.breakers.find("a").unwrap().state(), State::ForcedOpen);
    assert_eq!(keys.registry.get_keyed("shop").unwrap().get("a").state(), State::ForcedOpen);
    assert_eq!((keys.breakers.len(), keys.breakers.max_keys()), (1, 100));
}

#[test]
fn eight_threads_with_one_new_key_share_one_circuit() {
    let keys = Keys::at_most(1000);
    let start = Barrier::new(8);
    for round in 0..100 {
        let key = format!("key {round}");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    keys.end(&key, Outcome::Success);
                });
            }
        });
        assert_eq!(keys.breakers.get(&key).snapshot().totals.successes, 8);
        assert_eq!(keys.breakers.len(), round + 1);
    }
}

#[test]
fn there_are_never_more_circuits_than_max_keys() {
    // Regression of resilience4j#650 #703: keyed circuits were never evicted.
    let keys = Keys::at_most(100);
    for key in 0..100_000_u64 {
        keys.end(&key.to_string(), Outcome::Success);
        assert!(keys.breakers.len() <= 100);
    }
    let totals = keys.breakers.totals();
    assert_eq!((totals.successes, totals.calls()), (100_000, 100_000));
    assert_eq!(keys.breakers.snapshots().len(), 100);
}

#[test]
fn the_least_recently_used_key_is_evicted_first() {
    let keys = Keys::at_most(3);
    for key in ["a", "b", "c"] {
        keys.end(key, Outcome::Success);
    }
    keys.end("d", Outcome::Success);
    keys.end("c", Outcome::Success);
    keys.end("e", Outcome::Success);
    assert!(keys.breakers.find("a").is_none() && keys.breakers.find("b").is_none());
    for key in ["c", "d", "e"] {
        assert!(keys.breakers.find(key).is_some(), "{key}");
    }
}

#[test]
fn a_circuit_with_recorded_state_is_not_evicted() {
    let keys = Keys::with(settings().window_calls(10).failure_threshold(3).build().unwrap(), 6);
    (0..3).for_each(|_| keys.end("half-open", Outcome::Failure));
    keys.clock.advance(RECOVERY);
    keys.end("half-open", Outcome::Ignored);
    keys.end("failed", Outcome::Failure);
    keys.end("failed and succeeded", Outcome::Failure);
    keys.end("failed and succeeded", Outcome::Success);
    (0..3).for_each(|_| keys.end("open", Outcome::Failure));
    keys.breakers.get("forced open").force_open();
    keys.breakers.get("disabled").disable();
    for key in 0..1000 {
        assert!(keys.overflows(&key.to_string()));
    }
    for (key, state) in [
        ("failed", State::Closed),
        ("failed and succeeded", State::Closed),
        ("half-open", State::HalfOpen),
        ("open", State::Open),
        ("forced open", State::ForcedOpen),
        ("disabled", State::Disabled),
    ] {
        assert_eq!(keys.breakers.find(key).unwrap().state(), state, "{key}");
    }
    assert_eq!(keys.breakers.find("failed").unwrap().snapshot().totals.failures, 1);
}

#[test]
fn a_slow_call_prevents_eviction_until_it_leaves_the_window() {
    let config = settings().window_time(seconds(10)).slow_call(seconds(1)).build().unwrap();
    let keys = Keys::with(config, 1);
    let slow = keys.breakers.get("slow");
    let permit = slow.try_acquire().unwrap();
    keys.clock.advance(seconds(1));
    permit.settle(Outcome::Success);
    drop(slow);
    assert!(keys.overflows("new"));
    keys.clock.advance(seconds(10));
    assert!(!keys.overflows("new"));
    assert!(keys.breakers.find("slow").is_none());
}

#[test]
fn a_circuit_that_is_in_use_is_never_evicted() {
    let keys = Keys::at_most(2);
    let held = keys.breakers.get("held");
    let called = keys.breakers.get("called");
    let call = called.try_acquire().unwrap();
    assert!(keys.overflows("new"));
    drop(call);
    drop(called);
    assert!(!keys.overflows("new"));
    assert!(keys.breakers.find("called").is_none());
    held.force_open();
    assert_eq!(keys.breakers.find("held").unwrap().state(), State::ForcedOpen);
}

#[test]
fn keys_above_max_keys_share_the_overflow_circuit_until_a_circuit_can_be_evicted() {
    let keys = Keys::at_most(1);
    keys.breakers.get("a").force_open();
    keys.end("b", Outcome::Failure);
    keys.end("c", Outcome::Failure);
    assert_eq!((keys.breakers.overflow().state(), keys.breakers.overflow().key()), (State::Open, None));
    assert!(keys.breakers.get("d").try_acquire().is_err());
    assert_eq!(keys.breakers.len(), 1);
    keys.breakers.get("a").release();
    keys.end("b", Outcome::Success);
    assert_eq!(keys.breakers.get("b").state(), State::Closed);
    assert!(keys.breakers.find("b").is_some() && keys.breakers.find("a").is_none());
}

#[test]
fn a_key_that_is_too_long_uses_the_overflow_circuit() {
    let keys = Keys::at_most(100);
    assert!(keys.overflows(&"k".repeat(10_240)));
    assert!(keys.overflows(&"k".repeat(256)));
    assert_eq!(keys.breakers.len(), 0);
    assert!(!keys.overflows(&"k".repeat(255)));
    assert_eq!(keys.breakers.len(), 1);
}

#[test]
fn an_empty_key_is_a_valid_key() {
    let keys = Keys::at_most(100);
    keys.breakers.get("").force_open();
    assert_eq!(keys.breakers.find("").unwrap().state(), State::ForcedOpen);
    assert_eq!(keys.breakers.overflow().state(), State::Closed);
}

#[test]
fn totals_include_all_keys_and_the_evicted_ones() {
    let keys = Keys::at_most(3);
    keys.breakers.get("open").force_open();
    let held = keys.breakers.get("held");
    for key in 0..500_u32 {
        let key = key.to_string();
        keys.end(&key, Outcome::Success);
        keys.end(&key, Outcome::Ignored);
        keys.end(&"k".repeat(300), Outcome::Success);
        assert!(keys.breakers.get("open").try_acquire().is_err());
    }
    held.try_acquire().unwrap().settle(Outcome::Failure);
    drop(held);
    let totals = keys.breakers.totals();
    assert_eq!((totals.successes, totals.ignored, totals.failures), (1000, 500, 1));
    assert_eq!((totals.rejections.forced_open, totals.calls()), (500, 2001));
}

#[test]
fn set_config_applies_to_every_key() {
    let keys = Keys::at_most(2);
    keys.end("old", Outcome::Failure);
    keys.breakers.overflow().try_acquire().unwrap().settle(Outcome::Failure);
    let strict = settings().failure_threshold(1).build().unwrap();
    keys.breakers.set_config(strict.clone());
    assert_eq!(keys.breakers.get("old").snapshot().consecutive_failures, 1);
    for key in ["old", "new", &"k".repeat(300)] {
        assert_eq!(keys.breakers.get(key).config(), strict);
        keys.end(key, Outcome::Failure);
        assert_eq!(keys.breakers.get(key).state(), State::Open, "{key}");
    }
    assert_eq!(keys.breakers.config(), strict);
}

#[test]
fn the_registry_lists_the_circuits_of_all_keys() {
    let keys = Keys::at_most(10);
    keys.registry.register("alone", Config::default()).unwrap();
    keys.breakers.get("a").force_open();
    keys.breakers.get("b").force_open();
    keys.registry.reset_all();
    assert!(keys.breakers.iter().all(|circuit| circuit.state() == State::Closed));
    let mut seen: Vec<_> = keys.registry.snapshots().iter().map(|it| it.key().map(str::to_owned)).collect();
    seen.sort();
    assert_eq!(seen, [None, Some("a".to_owned()), Some("b".to_owned())]);
    assert!(keys.registry.get("shop").is_none() && keys.registry.get_keyed("alone").is_none());
    assert_eq!((keys.registry.iter().count(), keys.registry.iter_keyed().count()), (1, 1));
}

#[test]
fn events_contain_the_key() {
    let keys = Keys::at_most(10);
    let mut events = keys.registry.subscribe();
    keys.breakers.get("a").operator("bob").force_open();
    let Some(Ok(Event::StateChanged(change))) = events.try_next() else {
        panic!("no state change was received")
    };
    assert_eq!((change.name(), change.key()), ("shop", Some("a")));
    assert_eq!(
        change.to_string(),
        r#"circuit breaker "shop" for "a": closed -> forced open: forced open by bob"#
    );
}

#[test]
fn a_name_is_either_keyed_or_not() {
    let registry = Registry::new();
    registry.register_keyed("keyed", Config::default(), 10).unwrap();
    registry.register("alone", Config::default()).unwrap();
    for (error, name) in [
        (registry.register("keyed", Config::default()).unwrap_err(), "keyed"),
        (registry.register_keyed("alone", Config::default(), 10).unwrap_err(), "alone"),
        (registry.register_keyed("keyed", Config::default(), 11).unwrap_err(), "keyed"),
        (registry.register_keyed("keyed", settings().build().unwrap(), 10).unwrap_err(), "keyed"),
    ] {
        let RegisterError::Conflict(conflict) = error else { panic!("{error}") };
        assert_eq!(conflict.name(), name);
    }
    let same = registry.register_keyed("keyed", Config::default(), 10).unwrap();
    same.get("a").force_open();
    assert_eq!(registry.get_keyed("keyed").unwrap().get("a").state(), State::ForcedOpen);
    assert_eq!(registry.check().unwrap_err().iter().count(), 4);
}

#[test]
fn the_eviction_scan_continues_where_it_stopped() {
    // Otherwise every new key would scan all circuits while many keys are open.
    let keys = Keys::at_most(1000);
    for key in 0..1000 {
        let circuit = keys.breakers.get(&key.to_string());
        if key != 999 {
            circuit.force_open();
        }
    }
    assert!((0..4).any(|_| !keys.overflows("new")));
    assert!(keys.breakers.find("999").is_none());
    assert_eq!(keys.breakers.len(), 1000);
}

#[test]
fn concurrent_threads_with_new_keys_stay_within_max_keys() {
    let keys = Arc::new(Keys::at_most(16));
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let keys = Arc::clone(&keys);
            scope.spawn(move || {
                for key in 0..500 {
                    keys.end(&format!("{thread} {key}"), Outcome::Success);
                    assert!(keys.breakers.len() <= 16);
                }
            });
        }
    });
    assert_eq!(keys.breakers.totals().successes, 4000);
}
