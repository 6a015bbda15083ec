//! Calls of keyed circuits while other threads evict and remove them, and while the map of keys grows.

use breaker_runtime::__private::{DEFAULTS, KeyValue, KeyedSite, checked_keys, classifier_for, run};
use breaker_runtime::testing::Clock;
use breaker_runtime::{BreakerError, KeyedBreaker, Outcome, Registry, State};
use loom::thread;

use super::{call, strict, with_preemptions};

/// A function with keys, as the attribute declares it, and its breaker.
#[derive(Clone)]
struct Function {
    site: &'static KeyedSite,
    breakers: KeyedBreaker,
    _clock: Clock,
}

#[derive(Debug)]
enum Fault {
    Down,
    Rejected,
}

impl From<BreakerError> for Fault {
    fn from(_: BreakerError) -> Self {
        Self::Rejected
    }
}

impl Function {
    /// Returns a function with at most this many keys. One failure opens the circuit of a key.
    fn with_keys(max_keys: u32) -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let site = KeyedSite::named("loom", "loom::keys", || DEFAULTS, checked_keys(max_keys));
        let site: &'static KeyedSite = Box::leak(Box::new(site));
        site.declared_in(|| registry.clone());
        let breakers = registry.get_keyed("loom").expect("the function is registered");
        breakers.set_config(strict().build().expect("the settings are in range"));
        Self { site, breakers, _clock: clock }
    }

    /// Calls the function with this result.
    fn call(&self, key: &str, result: Result<(), Fault>) {
        let circuit = self.site.circuit(&KeyValue(key).__breaker_key());
        let classifier = classifier_for::<Result<(), Fault>>().__breaker_classifier();
        _ = run(
            &circuit,
            || {
                thread::yield_now();
                result
            },
            classifier,
        );
    }

    /// Runs a failing call of the key "a" on a new thread, and `other` on this one.
    fn race_failing_call(&self, other: impl FnOnce(&Self)) {
        let function = self.clone();
        let thread = thread::spawn(move || function.call("a", Err(Fault::Down)));
        other(self);
        thread.join().expect("the thread does not panic");
    }
}

#[test]
fn a_failure_is_never_lost_with_a_circuit_that_is_evicted_during_the_call() {
    with_preemptions(3, || {
        let function = Function::with_keys(1);
        function.call("a", Ok(()));
        function.race_failing_call(|function| drop(function.breakers.get("b")));
        let breakers = &function.breakers;
        let open = breakers.find("a").unwrap_or_else(|| breakers.overflow());
        assert_eq!(open.state(), State::Open);
        assert_eq!(breakers.totals().calls(), 2);
    });
}

#[test]
fn a_handle_is_never_taken_of_a_circuit_that_is_evicted() {
    with_preemptions(2, || {
        let function = Function::with_keys(1);
        function.call("a", Ok(()));
        let breakers = function.breakers.clone();
        let thread = thread::spawn(move || call(&breakers.get("a"), Outcome::Failure));
        drop(function.breakers.get("b"));
        thread.join().expect("the thread does not panic");
        let open = function.breakers.find("a").unwrap_or_else(|| function.breakers.overflow());
        assert_eq!(open.state(), State::Open);
    });
}

#[test]
fn a_removed_circuit_is_counted_once_its_call_has_ended() {
    with_preemptions(2, || {
        let function = Function::with_keys(2);
        function.call("a", Ok(()));
        function.race_failing_call(|function| {
            function.breakers.remove("a");
            assert!(function.breakers.totals().calls() >= 1);
        });
        assert_eq!(function.breakers.totals().calls(), 2);
    });
}

#[test]
fn a_key_is_found_while_the_map_grows() {
    with_preemptions(1, || {
        let function = Function::with_keys(100);
        for key in ["a", "1", "2", "3", "4", "5", "6"] {
            drop(function.breakers.get(key));
        }
        function.race_failing_call(|function| drop(function.breakers.get("7")));
        assert_eq!(function.breakers.find("a").map(|circuit| circuit.state()), Some(State::Open));
        assert_eq!(function.breakers.len(), 8);
    });
}
