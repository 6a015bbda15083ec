//! Values of the user that panic when they are dropped with a circuit: listeners and last good values. No call and no
//! command panics because it is the one that frees the circuit.

use std::thread::panicking;
use std::time::Duration;

use breaker_runtime::testing::{self, Clock};
use breaker_runtime::{
    BreakerError, CallEvent, CallEvents, CircuitBreaker, Config, Event, KeyedBreaker, Outcome, Registry,
    State, circuit_breaker,
};

const RECOVERY: Duration = Duration::from_secs(5);

/// A value that panics when it is dropped, and says so to nothing else.
#[derive(Clone, Debug)]
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        if !panicking() {
            std::panic::resume_unwind(Box::new("a value of the user panics when it is dropped"));
        }
    }
}

/// Adds two listeners of each kind that panic when they are dropped with the circuit.
fn listen(breaker: &CircuitBreaker) {
    for _ in 0..2 {
        let (events, calls) = (PanicsOnDrop, PanicsOnDrop);
        breaker.listen(move |_: &Event| _ = &events).detach();
        breaker.listen_to_calls(CallEvents::ALL, move |_: &CallEvent| _ = &calls).detach();
    }
}

/// Removes the circuit of a key, which stays in memory until something notices that it is not used.
fn remove_with_listeners(hosts: &KeyedBreaker, key: &str) {
    let circuit = hosts.get(key);
    listen(&circuit);
    assert!(hosts.remove(key).is_some());
}

fn hosts(registry: &Registry, max_keys: u32) -> KeyedBreaker {
    let config = Config::builder().failure_threshold(1).recovery_timeout(RECOVERY).build().unwrap();
    registry.register_keyed("hosts", config, max_keys).unwrap()
}

#[test]
fn a_call_of_another_key_that_frees_a_circuit_does_not_panic_and_reports_the_eviction() {
    let clock = Clock::new();
    let registry = Registry::with_clock(&clock);
    let hosts = hosts(&registry, 1);
    remove_with_listeners(&hosts, "removed");
    hosts.get("abandoned").try_acquire().unwrap().settle(Outcome::Failure);
    clock.advance(RECOVERY * 20);
    let mut events = registry.subscribe();
    hosts.get("new").try_acquire().unwrap().settle(Outcome::Success);
    assert!(matches!(events.try_next(), Some(Ok(Event::Evicted(_)))));
}

#[test]
fn a_command_or_a_count_that_frees_a_circuit_does_not_panic() {
    let frees: [fn(&KeyedBreaker); 4] = [
        |hosts| _ = hosts.totals(),
        |hosts| _ = hosts.snapshot(),
        |hosts| _ = hosts.remove("other"),
        |hosts| hosts.retain(|_, _| false),
    ];
    for free in frees {
        let registry = Registry::new();
        let hosts = hosts(&registry, 10);
        hosts.get("other").reset();
        remove_with_listeners(&hosts, "removed");
        free(&hosts);
    }
}

#[test]
fn the_end_of_a_registry_or_of_a_breaker_does_not_panic() {
    let registry = Registry::new();
    let search = registry.register("search", Config::default()).unwrap();
    let hosts = hosts(&registry, 10);
    listen(&search);
    listen(&hosts.get("eu"));
    let (events, calls) = (PanicsOnDrop, PanicsOnDrop);
    registry.listen(move |_: &Event| _ = &events).detach();
    registry.listen_to_calls(CallEvents::ALL, move |_: &CallEvent| _ = &calls).detach();
    drop((registry, search, hosts));
    let alone = CircuitBreaker::new("alone", Config::default()).unwrap();
    listen(&alone);
    drop(alone);
}

#[test]
fn the_owner_of_a_subscription_sees_the_panic_of_its_listener() {
    let breaker = CircuitBreaker::new("search", Config::default()).unwrap();
    let value = PanicsOnDrop;
    let subscription = breaker.listen(move |_: &Event| _ = &value);
    let dropped = std::panic::catch_unwind(|| drop(subscription));
    assert!(dropped.is_err());
    breaker.reset();
}

#[test]
fn a_last_good_value_that_a_call_replaces_while_it_is_read_does_not_panic_in_its_reader() {
    /// A new value replaces it while it is read as a fallback.
    #[derive(Debug)]
    struct Quote(PanicsOnDrop);
    impl Clone for Quote {
        fn clone(&self) -> Self {
            let breaker = Registry::global().get("last_good/replaced").unwrap();
            if breaker.state() == State::ForcedOpen {
                breaker.release();
                std::mem::forget(quote());
            }
            Self(self.0.clone())
        }
    }
    #[circuit_breaker(name = "last_good/replaced", fallback = last_good(max_age = "1h", key = ()))]
    fn quote() -> Result<Quote, BreakerError> {
        Ok(Quote(PanicsOnDrop))
    }
    testing::scope(|scope| {
        std::mem::forget(quote());
        scope.registry().get("last_good/replaced").unwrap().force_open();
        let read = quote();
        assert!(read.is_ok());
        std::mem::forget(read);
    });
}

#[test]
fn last_good_values_that_panic_when_they_are_replaced_or_freed_affect_no_call() {
    #[circuit_breaker(name = "last_good/drop", key = host, max_keys = 1,
        fallback = last_good(max_age = "1h", key = ()))]
    fn fetch(host: &str) -> Result<PanicsOnDrop, BreakerError> {
        assert!(!host.is_empty());
        Ok(PanicsOnDrop)
    }
    testing::scope(|scope| {
        for _ in 0..2 {
            std::mem::forget(fetch("eu"));
        }
        std::mem::forget(fetch("us")); // evicts the circuit of the other key
        std::mem::forget(fetch("eu"));
        let hosts = scope.registry().get_keyed("last_good/drop").unwrap();
        let totals = hosts.totals();
        assert_eq!((totals.successes, totals.failures, hosts.len()), (4, 0, 1));
    });
}
