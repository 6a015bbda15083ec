//! Which circuits of keys are evicted for new keys, and which stay.

use std::time::Duration;

use breaker_runtime::testing::{Clock, adoption};
use breaker_runtime::{
    Config, ConfigBuilder, ConfigLayer, ConfigSection, Event, KeyedBreaker, Outcome, Registry, Sharing, State,
};

use crate::support::{ALMOST_RECOVERY, NANO, RECOVERY, seconds, settings};

const DAY: Duration = Duration::from_secs(86_400);

struct Hosts {
    clock: Clock,
    registry: Registry,
    breakers: KeyedBreaker,
}

impl Hosts {
    fn at_most(max_keys: u32) -> Self {
        Self::with(settings(), max_keys)
    }

    fn with(settings: ConfigBuilder, max_keys: u32) -> Self {
        let clock = Clock::new();
        let registry = Registry::with_clock(&clock);
        let breakers = registry.register_keyed("hosts", settings.build().unwrap(), max_keys).unwrap();
        Self { clock, registry, breakers }
    }

    fn end(&self, host: &str, outcome: Outcome) {
        self.breakers.get(host).try_acquire().unwrap().settle(outcome);
    }

    fn open(&self, host: &str) {
        (0..2).for_each(|_| self.end(host, Outcome::Failure));
        assert_eq!(self.breakers.find(host).unwrap().state(), State::Open);
    }

    /// Returns `true` if the host has a circuit of its own after this call.
    fn gets_circuit(&self, host: &str) -> bool {
        self.breakers.get(host).key() == Some(host)
    }

    fn has(&self, host: &str) -> bool {
        self.breakers.find(host).is_some()
    }
}

#[test]
fn open_circuits_of_dead_hosts_are_evicted_after_ten_recovery_timeouts_without_a_call() {
    let hosts = Hosts::at_most(1024);
    for host in 0..1024 {
        hosts.open(&format!("dead {host}"));
    }
    hosts.clock.advance(RECOVERY * 10 + ALMOST_RECOVERY);
    assert!(!hosts.gets_circuit("too early"));
    hosts.clock.advance(NANO);
    for host in 0..1024 {
        assert!(hosts.gets_circuit(&format!("new {host}")), "{host}");
    }
    assert_eq!(hosts.breakers.len(), 1024);
}

#[test]
fn a_circuit_whose_last_call_failed_is_evicted_once_the_failure_is_as_old_as_recovery_timeout() {
    let hosts = Hosts::at_most(3);
    for host in ["a", "b", "c"] {
        hosts.end(host, Outcome::Failure);
    }
    hosts.clock.advance(ALMOST_RECOVERY);
    assert!(!hosts.gets_circuit("too early"));
    hosts.end("a", Outcome::Success); // clean
    hosts.end("c", Outcome::Ignored); // does not end the run
    assert!(hosts.gets_circuit("new") && !hosts.has("a") && hosts.has("b") && hosts.has("c"));
    hosts.clock.advance(NANO);
    hosts.breakers.get("new").force_open();
    assert!(hosts.gets_circuit("newer"));
    assert_eq!(hosts.breakers.len(), 3);
}

#[test]
fn a_late_failure_keeps_its_circuit_for_another_recovery_timeout() {
    let hosts = Hosts::with(settings().failure_threshold(5), 1);
    hosts.end("a", Outcome::Failure);
    hosts.clock.advance(ALMOST_RECOVERY);
    hosts.end("a", Outcome::Failure);
    hosts.clock.advance(ALMOST_RECOVERY);
    assert!(!hosts.gets_circuit("new"));
    assert_eq!(hosts.breakers.find("a").unwrap().snapshot().consecutive_failures, 2);
    hosts.clock.advance(NANO);
    assert!(hosts.gets_circuit("new"));
}

#[test]
fn a_run_of_failures_that_no_rule_evaluates_is_not_kept() {
    let settings = Config::builder().window_time(seconds(60)).failure_rate(0.5).recovery_timeout(DAY);
    let hosts = Hosts::with(settings, 1);
    hosts.end("a", Outcome::Failure);
    assert_eq!(hosts.breakers.get("a").snapshot().consecutive_failures, 0);
    assert!(!hosts.gets_circuit("new"), "the failure is in the window");
    hosts.clock.advance(seconds(60));
    assert!(hosts.gets_circuit("new"));
}

#[test]
fn a_shared_circuit_whose_rule_no_longer_counts_a_failure_is_evicted() {
    for sharing in [Sharing::Local, Sharing::First] {
        let rule = Config::builder().window_time(seconds(60)).failure_rate(0.5);
        let hosts = Hosts::with(rule.recovery_timeout(DAY).shared(sharing), 1);
        hosts.end("failed once", Outcome::Failure);
        assert!(!hosts.gets_circuit("new"));
        hosts.clock.advance(seconds(600));
        assert!(hosts.gets_circuit("new"), "{sharing:?}");
    }
}

#[test]
fn a_key_with_a_section_is_compared_with_the_settings_of_its_section() {
    let hosts = Hosts::at_most(1);
    let section = ConfigSection::new("hosts", Config::builder().failure_threshold(50)).for_key("eu");
    hosts.registry.apply_section(ConfigLayer::Program, section).unwrap();
    let of_section = hosts.breakers.get("eu").config();
    hosts.breakers.get("eu").set_config(hosts.breakers.config());
    assert!(!hosts.gets_circuit("us"), "it has the settings of all keys for itself");
    hosts.breakers.get("eu").set_config(of_section);
    assert!(hosts.gets_circuit("us"));
}

#[test]
fn a_rule_for_consecutive_failures_that_is_removed_forgets_the_run() {
    let hosts = Hosts::with(settings().failure_threshold(3), 1);
    let circuit = hosts.breakers.get("a");
    hosts.end("a", Outcome::Failure);
    hosts.end("a", Outcome::Failure);
    let windowed = settings().window_calls(10).failure_threshold(9);
    hosts.breakers.set_config(windowed.clone().build().unwrap());
    assert_eq!(circuit.snapshot().consecutive_failures, 0);
    hosts.breakers.set_config(settings().failure_threshold(3).build().unwrap());
    hosts.end("a", Outcome::Failure);
    assert_eq!((circuit.state(), circuit.snapshot().consecutive_failures), (State::Closed, 1));
}

#[test]
fn circuits_are_evicted_in_order_clean_then_old_failures_then_unused_open_ones() {
    let hosts = Hosts::at_most(6);
    hosts.open("opened first");
    hosts.clock.advance(NANO);
    hosts.open("opened second");
    hosts.end("failed", Outcome::Failure);
    hosts.end("clean and used", Outcome::Success);
    hosts.breakers.get("forced open").force_open();
    hosts.breakers.get("disabled").disable();
    hosts.clock.advance(DAY);
    let order = ["clean and used", "failed", "opened first", "opened second"];
    for (evicted, next) in order.iter().zip(["e", "f", "g", "h"]) {
        assert!(hosts.has(evicted), "{evicted}");
        let new = hosts.breakers.get(next);
        assert_eq!(new.key(), Some(next));
        assert!(!hosts.has(evicted), "{evicted}");
        new.force_open();
    }
    assert!(!hosts.gets_circuit("no circuit"));
    assert!(hosts.has("forced open") && hosts.has("disabled"));
}

#[test]
fn a_circuit_that_becomes_clean_is_evicted_before_an_unused_open_one() {
    let hosts = Hosts::at_most(3);
    for host in ["a", "b", "c"] {
        hosts.open(host);
    }
    hosts.clock.advance(DAY);
    assert!(hosts.gets_circuit("new") && !hosts.has("a"));
    hosts.breakers.get("new").force_open();
    hosts.breakers.get("c").reset();
    assert!(hosts.gets_circuit("newer") && !hosts.has("c") && hosts.has("b"));
}

#[test]
fn an_open_or_half_open_circuit_is_evicted_once_nothing_has_happened_for_ten_recovery_timeouts() {
    let hosts = Hosts::with(settings().backoff(10.0).max_recovery_timeout(DAY), 3);
    hosts.open("used");
    hosts.open("half-open");
    hosts.open("opened again");
    hosts.clock.advance(RECOVERY);
    hosts.end("half-open", Outcome::Success); // one of two trials
    let opened_again = hosts.breakers.get("opened again");
    opened_again.try_acquire().unwrap().settle(Outcome::Failure); // due after 300 s
    drop(opened_again);
    let used = hosts.breakers.get("used");
    hosts.clock.advance(RECOVERY * 9 + ALMOST_RECOVERY);
    assert!(!hosts.gets_circuit("new"));
    hosts.clock.advance(DAY * 2);
    assert!(hosts.gets_circuit("new") && !hosts.has("half-open"));
    hosts.open("new");
    assert!(hosts.gets_circuit("newer") && !hosts.has("opened again"));
    assert!(hosts.has("used") && hosts.has("new"));
    drop(used);
}

#[test]
fn a_half_open_circuit_whose_trial_calls_go_on_is_not_evicted() {
    let hosts = Hosts::at_most(1);
    hosts.open("a");
    hosts.clock.advance(RECOVERY);
    let mut events = hosts.registry.subscribe();
    for _ in 0..12 {
        hosts.end("a", Outcome::Ignored);
        hosts.clock.advance(RECOVERY);
    }
    assert_eq!(hosts.breakers.get("a").state(), State::HalfOpen);
    hosts.clock.advance(RECOVERY * 9 - NANO);
    assert!(!hosts.gets_circuit("new"));
    hosts.clock.advance(NANO);
    assert!(hosts.gets_circuit("new") && !hosts.has("a"));
    let texts: Vec<_> =
        std::iter::from_fn(|| events.try_next()).map(|event| event.unwrap().to_string()).collect();
    let expected = r#"circuit breaker "hosts" for "a": evicted while half-open, because no call arrived for 300s after the last trial call"#;
    assert_eq!(texts.last().map(String::as_str), Some(expected));
}

#[test]
fn a_circuit_of_a_dead_host_that_a_fleet_keeps_open_is_evicted_and_one_with_callers_stays() {
    let hosts = Hosts::at_most(2);
    hosts.open("dead");
    hosts.open("called");
    let last_hold = RECOVERY * 20;
    for _ in 0..20 {
        for host in ["dead", "called"] {
            let circuit = hosts.breakers.find(host).unwrap();
            adoption::fleet_holds(&circuit, circuit.snapshot().generation, last_hold);
        }
        hosts.clock.advance(RECOVERY * 2);
        assert!(hosts.breakers.get("called").try_acquire().is_err());
    }
    assert!(hosts.gets_circuit("new") && !hosts.has("dead"));
    hosts.open("new");
    assert!(!hosts.gets_circuit("another") && hosts.has("called"));
}

#[test]
fn a_circuit_of_a_dead_host_is_evicted_although_a_fleet_grants_it_trial_calls_again_and_again() {
    let hosts = Hosts::at_most(1);
    hosts.open("dead");
    for round in 0..20 {
        let circuit = hosts.breakers.find("dead").unwrap();
        adoption::fleet_holds(&circuit, circuit.snapshot().generation, RECOVERY);
        hosts.clock.advance(RECOVERY);
        adoption::fleet_grants(&circuit, 1, round);
        hosts.clock.advance(RECOVERY);
        if round < 19 {
            adoption::fleet_opens(&circuit, RECOVERY, round, "refused");
        }
        drop(circuit);
        assert!(round > 3 || !hosts.gets_circuit("new"), "{round}");
        assert!(hosts.has("dead"), "{round}");
    }
    assert_eq!(hosts.breakers.find("dead").unwrap().state(), State::HalfOpen);
    assert!(hosts.gets_circuit("new"));
}

#[test]
fn a_circuit_whose_trial_hangs_is_evicted_after_its_lease_and_ten_recovery_timeouts() {
    let hosts = Hosts::at_most(1);
    hosts.open("a");
    hosts.clock.advance(RECOVERY);
    let circuit = hosts.breakers.get("a");
    std::mem::forget(circuit.try_acquire().unwrap());
    drop(circuit);
    hosts.clock.advance(RECOVERY * 11 + ALMOST_RECOVERY);
    assert!(!hosts.gets_circuit("new"));
    hosts.clock.advance(NANO);
    assert!(hosts.gets_circuit("new"));
}

#[test]
fn the_eviction_of_an_open_circuit_is_an_event_and_that_of_a_closed_one_is_not() {
    let hosts = Hosts::at_most(1);
    hosts.end("closed", Outcome::Success);
    hosts.open("open");
    hosts.clock.advance(RECOVERY * 12);
    let mut events = hosts.registry.subscribe();
    assert!(hosts.gets_circuit("new") && hosts.gets_circuit("newer"));
    let Some(Ok(Event::Evicted(eviction))) = events.try_next() else { panic!("no eviction") };
    assert_eq!((eviction.name(), eviction.key()), ("hosts", Some("open")));
    assert_eq!(eviction.unused_for(), RECOVERY * 11);
    assert_eq!(
        eviction.to_string(),
        r#"circuit breaker "hosts" for "open": evicted while open, because no call arrived for 330s after a trial call was due"#
    );
    assert!(events.try_next().is_none());
}

#[test]
fn a_dropped_listener_and_a_finished_wait_keep_no_circuit_and_a_live_listener_does() {
    let hosts = Hosts::at_most(3);
    drop(hosts.breakers.get("dropped listener").listen(|_: &Event| ()));
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(hosts.breakers.get("finished wait").wait_closed());
    let subscription = hosts.breakers.get("listener").listen(|_: &Event| ());
    assert!(hosts.gets_circuit("new") && hosts.gets_circuit("newer") && hosts.gets_circuit("newest"));
    assert!(hosts.has("listener") && !hosts.has("dropped listener") && !hosts.has("finished wait"));
    drop(subscription);
    hosts.breakers.iter().filter(|circuit| circuit.key() != Some("listener")).for_each(|it| it.force_open());
    assert!(hosts.gets_circuit("last") && !hosts.has("listener"));
}

#[test]
fn a_circuit_with_settings_of_its_own_stays_until_it_has_the_shared_ones() {
    let hosts = Hosts::at_most(1);
    hosts.breakers.get("a").set_config(settings().failure_threshold(7).build().unwrap());
    assert!(!hosts.gets_circuit("new"));
    hosts.breakers.get("a").set_config(settings().build().unwrap());
    assert!(hosts.gets_circuit("new"));
}

#[test]
fn a_new_key_leaves_the_overflow_circuit_as_soon_as_a_circuit_is_removed_or_idle() {
    let hosts = Hosts::at_most(100);
    let held: Vec<_> = (0..100).map(|host| hosts.breakers.get(&host.to_string())).collect();
    assert!((0..1000).all(|_| !hosts.gets_circuit("new")));
    hosts.breakers.remove("7").unwrap();
    assert!(hosts.gets_circuit("new"), "a circuit was removed");
    hosts.breakers.get("new").force_open();
    assert!(!hosts.gets_circuit("newer"));
    drop(held);
    assert!(hosts.gets_circuit("newer"), "the handles were dropped");
}

#[test]
fn a_circuit_can_be_removed_in_any_state_and_its_calls_still_count() {
    let hosts = Hosts::at_most(2);
    hosts.open("a");
    let a = hosts.breakers.get("a");
    hosts.end("b", Outcome::Success);
    assert!(hosts.breakers.remove("unknown").is_none());
    assert_eq!(hosts.breakers.remove("a").unwrap().state(), State::Open);
    assert!(hosts.breakers.remove("a").is_none());
    assert_eq!(hosts.breakers.get("a").state(), State::Closed);
    assert!(a.try_acquire().is_err(), "the removed circuit is still open for those who hold it");
    hosts.breakers.get("a").force_open();
    hosts.breakers.remove("a").unwrap();
    drop(a);
    assert!(hosts.gets_circuit("c"));
    let totals = hosts.breakers.totals();
    assert_eq!((totals.failures, totals.successes, totals.rejections.open), (2, 1, 1));
    assert_eq!(hosts.breakers.snapshot().totals, totals);
    assert_eq!(hosts.breakers.snapshot().changes.to(State::Open), 1);
}

#[test]
fn the_open_time_of_a_removed_circuit_that_is_held_does_not_vary_while_the_time_runs() {
    let hosts = Registry::new().register_keyed("hosts", Config::default(), 100).unwrap();
    hosts.get("a").force_open();
    let held = hosts.remove("a");
    let mut times: Vec<_> = (0..1000).map(|_| hosts.snapshot().time_open).collect();
    times.dedup();
    assert_eq!(times.len(), 1);
    drop(held);
}

#[test]
fn the_open_time_of_a_removed_circuit_ends_with_its_removal() {
    let hosts = Hosts::at_most(10);
    hosts.open("dead");
    let kept = hosts.breakers.get("dead");
    hosts.clock.advance(seconds(400));
    assert!(hosts.breakers.remove("dead").is_some());
    for _ in 0..3 {
        hosts.clock.advance(seconds(3600));
        assert_eq!(hosts.breakers.snapshot().time_open, seconds(400));
    }
    drop(kept);
    assert_eq!(hosts.breakers.snapshot().time_open, seconds(400));
}

#[test]
fn retain_removes_what_its_predicate_rejects_and_runs_it_without_a_lock() {
    let hosts = Hosts::at_most(1000);
    for host in 0..1000 {
        hosts.end(&host.to_string(), Outcome::Success);
    }
    hosts.breakers.overflow().force_open();
    hosts.breakers.retain(|host, circuit| {
        assert_eq!(circuit.key(), Some(host));
        if host == "5" {
            hosts.breakers.remove(host);
            hosts.end(host, Outcome::Failure); // a new circuit, which is kept
        }
        hosts.breakers.set_config(hosts.breakers.config());
        host.len() > 2
    });
    assert_eq!(hosts.breakers.len(), 901);
    assert_eq!(hosts.breakers.get("5").snapshot().totals.failures, 1);
    assert_eq!(hosts.breakers.overflow().state(), State::ForcedOpen);
    assert_eq!((hosts.breakers.totals().successes, hosts.breakers.totals().failures), (1000, 1));
    hosts.breakers.retain(|_, _| false);
    assert!(hosts.breakers.is_empty());
    assert_eq!(hosts.breakers.totals().calls(), 1001);
}

#[test]
fn the_order_of_eviction_is_exact_for_16_circuits() {
    let hosts = Hosts::at_most(16);
    for host in 0..16 {
        hosts.open(&format!("open {host}"));
    }
    hosts.clock.advance(DAY);
    assert!(hosts.gets_circuit("new") && !hosts.has("open 0"));
    hosts.breakers.get("new").force_open();
    hosts.breakers.get("open 9").reset();
    assert!(hosts.gets_circuit("newer") && !hosts.has("open 9") && hosts.has("open 1"));
    hosts.breakers.get("newer").force_open();
    // The same while no circuit was idle a moment ago.
    let hosts = Hosts::at_most(16);
    for host in 0..16 {
        hosts.open(&format!("open {host}"));
    }
    hosts.clock.advance(DAY);
    let held: Vec<_> = hosts.breakers.iter().collect();
    assert!(!hosts.gets_circuit("no circuit"));
    drop(held);
    hosts.breakers.get("open 15").reset();
    assert!(hosts.gets_circuit("new") && !hosts.has("open 15") && hosts.has("open 0"));
}
