//! What other threads can do while circuits are counted or evicted.

use super::*;
use crate::Outcome;

fn keyed(max_keys: u32) -> KeyedBreaker {
    let settings = SharedConfig::from(Config::default());
    let max_keys = checked_keys(max_keys).expect("it is in range");
    KeyedBreaker::new(Name::Static("keyed"), settings, max_keys, Clock::default(), Arc::default())
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
    });
    sum.add(removed.totals());
    assert_eq!((sum.successes, breakers.totals().successes), (50, 50));
    assert_eq!(breakers.len(), 50);
}

#[test]
fn a_circuit_that_a_caller_takes_during_its_eviction_stays() {
    let breakers = keyed(1);
    call(&breakers, "a");
    let mut table = lock(&breakers.shared.table);
    let now = breakers.shared.clock.coarse_now();
    let settings = table.settings.clone();
    let idle = table.queue.pop_idle(&settings, now).expect("it is idle");
    // The caller looks up the circuit after the search.
    let held = breakers.find("a").expect("it exists");
    let is_idle = || idle.is_still_idle(&settings, now);
    assert!(!breakers.shared.circuits.remove_if("a", is_idle));
    held.force_open();
    drop(held);
    assert!(!breakers.shared.circuits.remove_if("a", is_idle), "it is forced open");
    breakers.find("a").expect("it stays").release();
    let is_undecided = || matches!(breakers.shared.circuits.get("a"), Lookup::Undecided);
    assert!(breakers.shared.circuits.remove_if("a", || is_undecided() && is_idle()));
    assert!(matches!(breakers.shared.circuits.get("a"), Lookup::Absent));
}
