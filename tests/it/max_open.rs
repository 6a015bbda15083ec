//! `max_open`: at most a share of the circuits of a keyed breaker rejects calls at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use breaker_runtime::testing::{Clock, scope};
use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ConfigBuilder, Event, Events, KeyedBreaker, Mode, Outcome,
    RegisterError, Registry, Settled, State, circuit_breaker,
};

use crate::support::{RECOVERY, seconds};

/// A keyed breaker whose circuits open at the first failure, with its clock and its events.
pub(crate) struct Hosts {
    pub(crate) clock: Clock,
    pub(crate) breakers: KeyedBreaker,
    events: Events,
}

/// Returns settings that open at the first failure and close after one successful trial.
pub(crate) fn settings(share: f64) -> ConfigBuilder {
    Config::builder().failure_threshold(1).recovery_timeout(RECOVERY).success_threshold(1).max_open(share)
}

impl Hosts {
    /// Returns closed circuits of the keys.
    pub(crate) fn with(settings: ConfigBuilder, keys: &[&str]) -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let breakers = registry.register_keyed("hosts", settings.build().unwrap(), 1000).unwrap();
        for key in keys {
            drop(breakers.get(key));
        }
        Self { clock, events: registry.subscribe(), breakers }
    }

    pub(crate) fn fail(&self, key: &str) {
        settle(&self.breakers.get(key), Outcome::Failure);
    }

    pub(crate) fn rejects(&self, key: &str) -> bool {
        rejects(&self.breakers.get(key))
    }

    /// Returns the keys of the circuits that reject a call.
    pub(crate) fn rejecting<'k>(&self, keys: &[&'k str]) -> Vec<&'k str> {
        keys.iter().copied().filter(|key| self.rejects(key)).collect()
    }

    /// Returns the keys of the events that say that a circuit admits calls because of `max_open`.
    fn waived(&mut self) -> Vec<String> {
        let mut keys = Vec::new();
        while let Some(event) = self.events.try_next() {
            if let Event::Waived(waiver) = event.unwrap() {
                keys.push(waiver.key().unwrap_or("(overflow)").to_owned());
            }
        }
        keys
    }
}

fn settle(circuit: &CircuitBreaker, outcome: Outcome) {
    circuit.try_acquire().unwrap().settle(outcome);
}

pub(crate) fn rejects(circuit: &CircuitBreaker) -> bool {
    circuit.try_acquire().map(|permit| permit.settle(Outcome::Success)).is_err()
}

#[test]
fn at_most_the_share_of_the_circuits_rejects_and_the_others_are_open_but_waive() {
    let keys = ["a", "b", "c", "d"];
    let mut hosts = Hosts::with(settings(0.5), &keys);
    for key in &keys {
        hosts.fail(key);
    }
    for _ in 0..3 {
        assert_eq!(hosts.rejecting(&keys), ["a", "b"]);
    }
    let snapshots = keys.map(|key| hosts.breakers.get(key).snapshot());
    assert!(snapshots.iter().all(|snapshot| snapshot.state == State::Open));
    assert_eq!(snapshots.each_ref().map(|snapshot| snapshot.waives), [false, false, true, true]);
    assert_eq!(snapshots.each_ref().map(|snapshot| snapshot.waived_rejections), [0, 0, 3, 3]);
    assert_eq!(snapshots.each_ref().map(|snapshot| snapshot.totals.rejected), [3, 3, 0, 0]);
    assert_eq!(hosts.waived(), ["c", "d"], "once for each circuit");
    let combined = hosts.breakers.snapshot();
    assert_eq!((combined.waived_rejections, combined.waives, combined.state), (6, false, State::Open));
}

#[test]
fn the_event_names_the_circuit_and_the_counts() {
    let mut hosts = Hosts::with(settings(0.5), &["a", "b", "c"]);
    hosts.fail("a");
    hosts.fail("b");
    let events: Vec<_> =
        std::iter::from_fn(|| hosts.events.try_next()).map(|event| event.unwrap().to_string()).collect();
    assert_eq!(
        events.last().unwrap(),
        "circuit breaker \"hosts\" for \"b\": open, but it admits calls because of max_open: 1 of 3 circuits \
         rejects calls already"
    );
}

#[test]
fn the_share_is_rounded_down_and_at_least_one_circuit_rejects() {
    for (share, keys, expected) in
        [(0.5, 1, 1), (0.5, 3, 1), (0.01, 5, 1), (0.7, 10, 7), (0.99, 10, 9), (1.0, 3, 3)]
    {
        let names: Vec<_> = (0..keys).map(|key: i32| key.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let hosts = Hosts::with(settings(share), &names);
        for key in &names {
            hosts.fail(key);
        }
        assert_eq!(hosts.rejecting(&names).len(), expected, "{share} of {keys}");
    }
}

#[test]
fn a_circuit_that_waives_rejects_as_soon_as_another_one_closes() {
    let mut hosts = Hosts::with(settings(0.5), &["a", "b"]);
    hosts.fail("a");
    hosts.clock.advance(seconds(10));
    hosts.fail("b");
    assert_eq!(hosts.rejecting(&["a", "b"]), ["a"]);
    hosts.breakers.get("a").force_close();
    assert_eq!(hosts.rejecting(&["a", "b"]), ["b"]);
    assert!(!hosts.breakers.get("b").snapshot().waives);
    // Another episode is another event.
    hosts.fail("a");
    assert_eq!(hosts.waived(), ["b", "a"]);
}

#[test]
fn a_circuit_that_is_due_no_longer_counts_even_if_no_call_arrives() {
    let hosts = Hosts::with(settings(0.5), &["unused", "b"]);
    hosts.fail("unused");
    hosts.clock.advance(RECOVERY - seconds(1));
    hosts.fail("b");
    assert!(!hosts.rejects("b"));
    hosts.clock.advance(seconds(1));
    assert!(hosts.rejects("b"), "the other one admits its next call as a trial");
    let trial = hosts.breakers.get("unused");
    settle(&trial, Outcome::Failure);
    assert!(!rejects(&trial), "it opened again while the other one rejects calls");
}

#[test]
fn results_of_waived_calls_count_in_the_totals_and_change_no_state() {
    let hosts = Hosts::with(settings(0.5), &["a", "b"]);
    hosts.fail("a");
    hosts.fail("b");
    let b = hosts.breakers.get("b");
    for outcome in [Outcome::Success, Outcome::Failure, Outcome::Ignored, Outcome::Success] {
        assert_eq!(b.try_acquire().unwrap().settle(outcome), Settled::Late, "{outcome:?}");
    }
    let snapshot = b.snapshot();
    assert_eq!((snapshot.state, snapshot.generation, snapshot.waived_rejections), (State::Open, 1, 4));
    let totals = snapshot.totals;
    assert_eq!((totals.successes, totals.failures, totals.ignored, totals.rejected), (2, 2, 1, 0));
    hosts.clock.advance(RECOVERY);
    let trial = b.try_acquire().unwrap();
    assert!(trial.is_trial());
    trial.settle(Outcome::Success);
    assert_eq!(b.state(), State::Closed);
    assert!(!b.snapshot().waives);
}

#[test]
fn forced_open_and_shadowed_circuits_are_neither_limited_nor_counted() {
    let mut hosts = Hosts::with(settings(0.5), &["forced", "shadow", "c", "d"]);
    hosts.breakers.get("forced").force_open();
    let shadow = hosts.breakers.get("shadow");
    shadow.set_config(settings(0.5).mode(Mode::Shadow).build().unwrap());
    settle(&shadow, Outcome::Failure);
    hosts.fail("c");
    hosts.fail("d");
    assert_eq!(hosts.rejecting(&["forced", "shadow", "c", "d"]), ["forced", "c", "d"]);
    assert!(hosts.waived().is_empty());
    hosts.breakers.get("shadow").set_config(settings(1.0).build().unwrap());
    assert!(hosts.rejects("shadow"), "its own settings have no limit");
    hosts.breakers.get("c").force_open();
    hosts.breakers.get("c").release();
    assert_eq!(hosts.rejecting(&["forced", "shadow", "c", "d"]), ["forced", "shadow", "d"]);
}

#[test]
fn the_overflow_circuit_counts_like_the_circuit_of_a_key() {
    let clock = Clock::new();
    let registry = Registry::with_clock(&clock);
    let hosts = registry.register_keyed("hosts", settings(0.5).build().unwrap(), 1).unwrap();
    settle(&hosts.get("a"), Outcome::Failure);
    let overflow = hosts.get("b"); // the circuit of `a` cannot be evicted
    assert_eq!(overflow.key(), None);
    settle(&overflow, Outcome::Failure);
    assert!(rejects(&hosts.get("a")) && !rejects(&overflow));
    hosts.get("a").reset();
    assert!(rejects(&overflow));
}

#[test]
fn removed_circuits_free_their_share_and_fewer_keys_allow_fewer_rejections() {
    let keys = ["a", "b", "c", "d"];
    let hosts = Hosts::with(settings(0.5), &keys);
    for key in &keys {
        hosts.fail(key);
    }
    let removed = hosts.breakers.remove("a").unwrap();
    assert!(rejects(&removed), "it is no longer one of the keys");
    assert_eq!(hosts.rejecting(&["b", "c", "d"]), ["b"], "half of three");
    hosts.breakers.retain(|key, _| key != "b");
    assert_eq!(hosts.rejecting(&["c", "d"]), ["c"]);
    for key in ["e", "f"] {
        assert!(!hosts.rejects(key));
    }
    assert_eq!(hosts.rejecting(&["c", "d"]), ["c", "d"], "half of four");
}

#[test]
fn a_removed_circuit_whose_settings_get_a_share_later_takes_none_of_it() {
    let clock = Clock::new();
    let plain = crate::support::settings().failure_threshold(1);
    let breakers =
        Registry::with_clock(&clock).register_keyed("hosts", plain.clone().build().unwrap(), 10).unwrap();
    let [removed, kept] = ["a", "b"].map(|key| breakers.get(key));
    settle(&removed, Outcome::Failure);
    assert!(breakers.remove("a").is_some());
    breakers.set_config(plain.max_open(0.5).build().unwrap());
    // As a change of the settings of all keys does that began before the removal.
    removed.set_config(breakers.config());
    assert!(rejects(&removed) && !removed.snapshot().waives, "it rejects as usual");
    settle(&kept, Outcome::Failure);
    assert!(rejects(&kept) && !kept.snapshot().waives);
}

#[test]
fn an_evicted_circuit_frees_its_share() {
    let clock = Clock::new();
    let hosts =
        Registry::with_clock(&clock).register_keyed("hosts", settings(0.5).build().unwrap(), 2).unwrap();
    settle(&hosts.get("a"), Outcome::Failure);
    settle(&hosts.get("b"), Outcome::Success);
    clock.advance(RECOVERY * 11);
    hosts.get("b").force_open(); // cannot be evicted
    settle(&hosts.get("c"), Outcome::Failure); // evicts `a`, which is abandoned
    assert!(hosts.find("a").is_none());
    assert!(rejects(&hosts.get("c")));
}

#[test]
fn another_share_acts_at_once_on_open_circuits() {
    let keys = ["a", "b", "c", "d"];
    let hosts = Hosts::with(settings(1.0), &keys);
    for key in &keys {
        hosts.fail(key);
    }
    assert_eq!(hosts.rejecting(&keys).len(), 4);
    for (share, rejecting) in [(0.5, 2), (0.25, 1), (0.75, 3), (1.0, 4)] {
        hosts.breakers.set_config(settings(share).build().unwrap());
        assert_eq!(hosts.rejecting(&keys).len(), rejecting, "{share}");
    }
}

#[test]
fn an_open_circuit_keeps_its_share_when_its_settings_change() {
    let mut hosts = Hosts::with(settings(0.5), &["a", "b"]);
    hosts.fail("a");
    hosts.fail("b");
    hosts.breakers.get("a").set_config(settings(0.5).max_concurrent(9).build().unwrap());
    assert!(!hosts.rejects("b") && hosts.rejects("a"));
    assert_eq!(hosts.waived(), ["b"]);
}

#[test]
fn a_breaker_without_keys_refuses_the_share() {
    let text = "max_open needs keys: it is the share of them that may reject calls; use register_keyed, or remove it";
    let config = settings(0.5).build().unwrap();
    assert_eq!(CircuitBreaker::new("plain", config.clone()).unwrap_err().to_string(), text);
    let Err(RegisterError::Invalid(error)) = Registry::new().register("plain", config.clone()) else {
        panic!("it was accepted")
    };
    assert_eq!(error.to_string(), text);
    // A circuit that exists ignores it.
    let plain = CircuitBreaker::new("plain", settings(1.0).build().unwrap()).unwrap();
    plain.set_config(config);
    settle(&plain, Outcome::Failure);
    assert!(rejects(&plain));
}

#[test]
fn declarations_with_different_shares_conflict() {
    let registry = Registry::new();
    let register = |share: f64| registry.register_keyed("hosts", settings(share).build().unwrap(), 9);
    assert!(register(0.5).is_ok() && register(0.5).is_ok());
    assert!(matches!(register(0.4), Err(RegisterError::Conflict(_))));
    assert_eq!(
        settings(1.0).build().unwrap(),
        Config::builder().failure_threshold(1).success_threshold(1).build().unwrap()
    );
}

#[circuit_breaker(name = "max_open/attribute", key = host, failure_threshold = 1, max_open = 0.5)]
fn get(host: &str) -> Result<u32, BreakerError> {
    Ok(0)
}

#[circuit_breaker(name = "max_open/failing", key = host, failure_threshold = 1, max_open = HALF, failure_if(Err(_)))]
async fn get_async(host: &str) -> Result<u32, Failed> {
    Err(Failed::Down)
}

const HALF: f64 = 0.5;

#[derive(Debug, PartialEq)]
enum Failed {
    Down,
    Open,
}

impl From<BreakerError> for Failed {
    fn from(_: BreakerError) -> Self {
        Self::Open
    }
}

#[tokio::test]
async fn the_attribute_sets_the_share() {
    breaker_runtime::testing::scope_async(async |_| {
        _ = get("a");
        let attribute = Registry::global().get_keyed("max_open/attribute").unwrap();
        assert!((attribute.config().max_open() - 0.5).abs() < f64::EPSILON);
        for host in ["a", "b", "c"] {
            assert_eq!(get_async(host).await, Err(Failed::Down));
        }
        let mut results = Vec::new();
        for host in ["a", "b", "c"] {
            results.push(get_async(host).await.unwrap_err());
        }
        assert_eq!(results, [Failed::Open, Failed::Down, Failed::Down]);
    })
    .await;
}

#[test]
fn the_share_holds_while_threads_open_and_close_circuits() {
    const KEYS: usize = 8;
    let registry = Registry::new();
    let hosts = registry.register_keyed("hosts", settings(0.5).build().unwrap(), 100).unwrap();
    let circuits: Arc<Vec<_>> = Arc::new((0..KEYS).map(|key| hosts.get(&key.to_string())).collect());
    let rounds = AtomicU64::new(0);
    thread::scope(|scope| {
        for worker in 0..4_usize {
            let (circuits, rounds) = (Arc::clone(&circuits), &rounds);
            scope.spawn(move || {
                for round in 0..500_usize {
                    let circuit = &circuits[(worker * 3 + round) % KEYS];
                    if let Ok(permit) = circuit.try_acquire() {
                        permit.settle(Outcome::Failure);
                    }
                    if round % 5 == worker {
                        circuit.reset();
                    }
                    rounds.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(rounds.into_inner(), 2000);
    for circuit in circuits.iter() {
        _ = circuit.try_acquire().map(|permit| permit.settle(Outcome::Failure));
    }
    let rejecting = circuits.iter().filter(|circuit| rejects(circuit)).count();
    assert_eq!(rejecting, KEYS / 2);
    circuits.iter().for_each(|circuit| circuit.reset());
    circuits.iter().for_each(|circuit| settle(circuit, Outcome::Failure));
    assert_eq!(circuits.iter().filter(|circuit| rejects(circuit)).count(), KEYS / 2);
}

#[test]
fn a_listener_of_the_waiver_may_use_the_breaker() {
    let hosts = Hosts::with(settings(0.5), &["a", "b"]);
    let breaker = hosts.breakers.clone();
    let b = hosts.breakers.get("b");
    let subscription = b.listen(move |event: &Event| {
        if let Event::Waived(_) = event {
            breaker.get("a").reset();
        }
    });
    hosts.fail("a");
    hosts.fail("b");
    drop(subscription);
    assert!(hosts.rejects("b") && !hosts.rejects("a"));
}

#[test]
fn a_scope_covers_the_share() {
    scope(|scope| {
        let hosts = scope.registry().register_keyed("hosts", settings(0.5).build().unwrap(), 9).unwrap();
        for key in ["a", "b"] {
            breaker_runtime::testing::trip(("hosts", key));
        }
        assert!(rejects(&hosts.get("a")) && !rejects(&hosts.get("b")));
    });
}
