//! `max_open` after evictions and new settings, and where it has no effect.

use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, Config, Event, KeyedBreaker, Outcome, Registry, State};

use crate::max_open::settings;

/// Returns the hosts that reject a call.
fn rejecting<'h>(breakers: &KeyedBreaker, hosts: &[&'h str]) -> Vec<&'h str> {
    hosts.iter().copied().filter(|host| breakers.get(host).try_acquire().is_err()).collect()
}

#[test]
fn an_eviction_for_a_new_key_does_not_change_which_circuits_reject() {
    let registry = Registry::new();
    let config = settings(0.5).failure_threshold(1).build().unwrap();
    let breakers = registry.register_keyed("hosts", config, 4).unwrap();
    let mut events = registry.subscribe();
    for host in ["a", "b", "c"] {
        breakers.get(host).try_acquire().unwrap().settle(Outcome::Failure);
    }
    breakers.get("idle").try_acquire().unwrap().settle(Outcome::Success);
    let before = rejecting(&breakers, &["a", "b", "c"]);
    assert_eq!(before.len(), 2);
    while events.try_next().is_some() {}
    for number in 0..10 {
        breakers.get(&format!("new {number}")).try_acquire().unwrap().settle(Outcome::Success);
        let order = if number % 2 == 0 { ["c", "a", "b"] } else { ["b", "a", "c"] };
        let mut found = rejecting(&breakers, &order);
        found.sort_unstable();
        assert_eq!(found, before);
    }
    assert!(std::iter::from_fn(|| events.try_next()).all(|event| !matches!(event, Ok(Event::Waived(_)))));
}

#[test]
fn equal_settings_do_not_change_which_circuits_reject() {
    let registry = Registry::new();
    let config = settings(0.5).failure_threshold(1).build().unwrap();
    let breakers = registry.register_keyed("hosts", config.clone(), 10).unwrap();
    let hosts = ["a", "b", "c", "d"];
    for host in hosts {
        drop(breakers.get(host));
    }
    for host in hosts {
        breakers.get(host).try_acquire().unwrap().settle(Outcome::Failure);
    }
    let before = rejecting(&breakers, &hosts);
    breakers.set_config(config);
    assert_eq!((before.len(), rejecting(&breakers, &["d", "c", "b", "a"]).len()), (2, 2));
    assert_eq!(rejecting(&breakers, &hosts), before);
}

#[test]
fn a_share_of_open_keys_without_effect_is_reported_on_stderr() {
    let test = "max_open_settings::a_share_of_open_keys_has_no_effect_on_one_key_or_without_keys";
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    for line in [
        "\"plain\": max_open has no effect without keys; use a `KeyedBreaker`, or remove it",
        "max_open of one key has no effect; use `KeyedBreaker::set_config`, or remove it",
    ] {
        assert_eq!(stderr.matches(line).count(), 1, "{stderr}");
    }
}

#[test]
fn a_share_of_open_keys_has_no_effect_on_one_key_or_without_keys() {
    let share = || Config::builder().failure_threshold(1).max_open(0.5);
    let plain = CircuitBreaker::new("plain", Config::default()).unwrap();
    plain.set_config(share().build().unwrap());
    let keyed = Registry::with_clock(&Clock::new()).register_keyed("keyed", Config::default(), 10).unwrap();
    let one = keyed.get("a");
    one.set_config(share().build().unwrap());
    let other = keyed.get("b");
    for circuit in [&plain, &one, &other] {
        for _ in 0..5 {
            circuit.try_acquire().unwrap().settle(Outcome::Failure);
            if circuit.state() == State::Open {
                break;
            }
        }
        assert_eq!(circuit.state(), State::Open);
        assert!(circuit.try_acquire().is_err());
    }
}
