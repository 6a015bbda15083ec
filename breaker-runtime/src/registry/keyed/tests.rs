//! Calls and removals while circuits are counted or evicted.

use std::time::Duration;

use super::*;
use crate::sync::holds::Held;
use crate::{Outcome, Permit};

fn keyed(max_keys: u32) -> KeyedBreaker {
    let settings = BreakerSettings::default();
    let max_keys = checked_keys(max_keys).expect("it is in range");
    KeyedBreaker::new(Name::Static("keyed"), settings, max_keys, RegistryContext::default())
}

fn call(breakers: &KeyedBreaker, key: &str) {
    breakers.get(key).try_acquire().expect("it is closed").settle(Outcome::Success);
}

#[test]
fn keys_are_added_evicted_and_removed_while_circuits_are_counted_once_each() {
    let breakers = keyed(50);
    (0..50).for_each(|key| call(&breakers, &key.to_string()));
    let mut sum = Totals::default();
    let mut new_keys = 100..;
    let mut visits = 0;
    let removed = breakers.count(|circuit| {
        assert!(try_lock(&breakers.shared.table).is_some());
        sum.add(circuit.circuit().totals());
        visits += 1;
        if visits <= 10 {
            new_keys.by_ref().take(7).for_each(|key| drop(breakers.get(&key.to_string())));
            breakers.remove(&visits.to_string());
        }
        Duration::ZERO
    });
    sum.add(removed.totals());
    assert_eq!((sum.successes, breakers.totals().successes), (50, 50));
    assert_eq!(breakers.len(), 50);
}

#[test]
fn removed_circuits_that_are_unused_are_freed_although_others_are_held() {
    let (held, removed) = if cfg!(miri) { (5, 50) } else { (100, 10_000) };
    let breakers = keyed(1000);
    let handles: Vec<_> = (0..held).map(|key| breakers.get(&format!("held {key}"))).collect();
    breakers.retain(|_, _| false);
    for key in 0..removed {
        call(&breakers, &key.to_string());
        breakers.remove(&key.to_string());
    }
    let kept = lock(&breakers.shared.table).removed.kept();
    assert!(kept <= 2 * handles.len(), "{kept} circuits are kept");
    assert_eq!(breakers.totals().successes, removed);
}

/// Returns `true` if the idle circuit of a breaker with one key is evicted although `use_it` runs after the search.
fn is_evicted<U>(breakers: &'static KeyedBreaker, use_it: impl FnOnce(&CircuitBreaker) -> U) -> bool {
    let table = &mut *lock(&breakers.shared.table);
    let now = breakers.shared.clock.coarse_now();
    let found = table.queue.pop_idle(&table.settings, now, &Held::lately()).expect("it is idle");
    let _use = use_it(&found.circuit);
    table.queue.push(found.circuit);
    table.evict(&breakers.shared.circuits, now).is_some()
}

/// Returns a breaker with one key that is never freed. A static refers to it, so that it is no memory leak.
fn leaked() -> &'static KeyedBreaker {
    static LEAKED: Mutex<Vec<&KeyedBreaker>> = Mutex::new(Vec::new());
    let breakers: &'static KeyedBreaker = Box::leak(Box::new(keyed(1)));
    lock(&LEAKED).push(breakers);
    call(breakers, "a");
    breakers
}

#[test]
fn a_circuit_that_a_caller_takes_during_its_eviction_stays() {
    let breakers = leaked();
    assert!(!is_evicted(breakers, |_| breakers.find("a")), "a handle");
    assert!(!is_evicted(breakers, |_| breakers.circuit_for_call("a")), "a call");
    let is_held = |circuit: &CircuitBreaker| {
        let call = breakers.circuit_for_call("a");
        assert!(call.is_held() && circuit.circuit().has_handles(1));
        std::thread::scope(|scope| scope.spawn(move || call).join())
    };
    assert!(!is_evicted(breakers, is_held), "a call that moved to another thread");
    assert!(!is_evicted(breakers, |circuit| circuit.force_open()), "it is forced open");
    breakers.find("a").expect("it stays").release();
    assert!(is_evicted(breakers, |_| ()));
    assert!(breakers.find("a").is_none());
}

#[test]
fn a_lookup_of_a_marked_circuit_waits_for_the_decision() {
    let breakers = leaked();
    let circuit = breakers.find("a").expect("it exists");
    circuit.circuit().mark();
    assert!(matches!(breakers.shared.circuits.get("a"), Lookup::Undecided));
    assert!(breakers.shared.circuits.hold("a").is_none());
    assert!(breakers.find("a").is_some() && breakers.iter().count() == 1, "found under the lock");
    circuit.circuit().unmark();
    assert!(breakers.shared.circuits.hold("a").is_some());
    breakers.remove("a");
    assert!(circuit.circuit().is_marked(), "late lookups find the mark");
}

#[test]
fn a_removed_circuit_is_kept_until_its_call_ends() {
    let breakers = leaked();
    let held = || lock(&breakers.shared.table).removed.kept();
    let call = breakers.circuit_for_call("a");
    breakers.remove("a");
    breakers.retain(|_, _| false);
    assert_eq!((held(), breakers.len()), (1, 0));
    Permit::running(call.try_admit().expect("it is closed")).settle(Outcome::Success);
    drop(call);
    assert_eq!(breakers.totals().successes, 2);
    assert_eq!(held(), 0);
}

#[test]
fn what_a_search_may_be_reading_is_kept_until_it_ends() {
    let breakers = leaked();
    let search = breakers.shared.circuits.hold("a").expect("it exists");
    let searching = || lock(&breakers.shared.table).removed.kept();
    let mut end = Some(search);
    breakers.shared.circuits.for_each(|_| {
        breakers.remove("a");
        end.take();
        _ = breakers.totals();
        assert_eq!(searching(), 1, "a removed circuit");
    });
    _ = breakers.totals();
    assert_eq!(searching(), 0);
    let breakers = keyed(100);
    let replaced = || lock(&breakers.shared.table).map.replaced();
    call(&breakers, "a");
    breakers.shared.circuits.for_each(|_| {
        (0..20).for_each(|key| call(&breakers, &key.to_string()));
        assert_eq!(replaced(), 2, "tables that were too small");
    });
    (20..100).for_each(|key| call(&breakers, &key.to_string()));
    assert_eq!(replaced(), 0);
}

#[test]
fn more_calls_than_a_thread_can_hold_count_their_handles() {
    let breakers = leaked();
    let calls: Vec<_> = (0..50).map(|_| breakers.circuit_for_call("a")).collect();
    let held = calls.iter().filter(|call| call.is_held()).count();
    assert!((1..20).contains(&held));
    assert!(
        lock(&breakers.shared.table).evict(&breakers.shared.circuits, breakers.shared.clock.now()).is_none()
    );
    drop(calls);
    assert!(is_evicted(breakers, |_| ()));
}

#[test]
fn every_key_is_found_while_others_are_added_and_removed() {
    const KEYS: u32 = if cfg!(miri) { 60 } else { 5000 };
    let breakers = keyed(100_000);
    let added = AtomicU32::new(0);
    let stays = |key: &u32| key.is_multiple_of(7);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for key in 0..KEYS {
                call(&breakers, &key.to_string());
                added.store(key + 1, Ordering::Release);
                if let Some(old) = key.checked_sub(50)
                    && !stays(&old)
                {
                    breakers.remove(&old.to_string()).expect("it exists");
                }
            }
        });
        while !writer.is_finished() {
            for key in (0..added.load(Ordering::Acquire)).filter(stays) {
                let circuit = breakers.find(&key.to_string()).expect("it is never removed");
                assert_eq!(circuit.key(), Some(&*key.to_string()));
            }
        }
    });
    let left = (0..KEYS).filter(|key| stays(key) || *key >= KEYS - 50).count();
    assert_eq!((breakers.len(), breakers.iter().count()), (left, left));
    assert_eq!(breakers.totals().successes, u64::from(KEYS));
}
