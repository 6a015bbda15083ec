//! `max_open` and trial calls: until when a circuit counts, and when a half-open circuit counts.

use std::time::Duration;

use breaker_runtime::{Mode, Outcome, Permit};

use crate::max_open::{Hosts, rejects, settings};
use crate::support::{RECOVERY, seconds};

#[test]
fn a_half_open_circuit_without_a_free_trial_slot_waives_too() {
    let hosts =
        Hosts::with(settings(0.5).half_open_max_calls(1).half_open_timeout(seconds(100)), &["a", "b"]);
    hosts.fail("b");
    hosts.clock.advance(RECOVERY);
    let b = hosts.breakers.get("b");
    let trial = b.try_acquire().unwrap();
    assert!(rejects(&b), "the share allows it");
    hosts.fail("a");
    assert!(!hosts.rejects("a"));
    drop(trial);
    let trial = b.try_acquire().unwrap();
    hosts.clock.advance(seconds(50));
    trial.settle(Outcome::Success);
    assert!(hosts.breakers.get("a").try_acquire().unwrap().is_trial(), "it was due meanwhile");
}

#[test]
fn a_circuit_whose_turn_has_come_does_not_say_that_it_waives() {
    let free: [fn(&Hosts); 4] = [
        |hosts| hosts.breakers.get("a").force_close(),
        |hosts| hosts.breakers.get("a").set_config(settings(0.5).mode(Mode::Shadow).build().unwrap()),
        |hosts| drop(hosts.breakers.remove("a")),
        |hosts| hosts.clock.advance(seconds(20)),
    ];
    for free in free {
        let hosts = Hosts::with(settings(0.5), &["a", "b", "c"]);
        hosts.fail("a");
        hosts.clock.advance(seconds(10));
        hosts.fail("b");
        let b = hosts.breakers.get("b");
        assert!(b.would_admit() && b.snapshot().waives && !rejects(&b));
        free(&hosts);
        assert!(!b.would_admit() && !b.snapshot().waives);
        assert!(rejects(&b));
        hosts.clock.advance(RECOVERY);
        assert!(b.would_admit() && !b.snapshot().waives, "it is due, and rejects no call");
    }
}

#[test]
fn a_combined_snapshot_waives_nothing_although_its_worst_circuit_does() {
    let hosts =
        Hosts::with(settings(0.5).half_open_max_calls(1).half_open_timeout(seconds(100)), &["a", "b"]);
    hosts.fail("a");
    hosts.clock.advance(seconds(10));
    hosts.fail("b");
    hosts.clock.advance(RECOVERY - seconds(10));
    let a = hosts.breakers.get("a");
    let _trial = a.try_acquire().unwrap();
    assert!(rejects(&a));
    let (b, both) = (hosts.breakers.get("b").snapshot(), hosts.breakers.snapshot());
    assert_eq!((b.waives, both.waives, both.state), (true, false, b.state));
}

#[test]
fn a_half_open_circuit_with_a_free_trial_slot_lets_another_one_reject() {
    for lease in [RECOVERY, Duration::MAX] {
        let hosts = Hosts::with(settings(0.5).half_open_max_calls(2).half_open_timeout(lease), &["a", "b"]);
        hosts.fail("a");
        hosts.clock.advance(seconds(10));
        hosts.fail("b");
        hosts.clock.advance(RECOVERY - seconds(10));
        let (a, b) = (hosts.breakers.get("a"), hosts.breakers.get("b"));
        let trials = [a.try_acquire().unwrap(), a.try_acquire().unwrap()];
        assert!(trials.iter().all(Permit::is_trial));
        assert!(!b.would_admit(), "no call of the other one was rejected yet");
        assert!(!a.would_admit() && rejects(&a), "it takes the share for a call that it rejects");
        assert!(b.snapshot().waives && !rejects(&b));
        for trial in trials {
            trial.settle(Outcome::Ignored);
            assert!(rejects(&b), "a trial call of the other one has ended");
        }
        let _trials = [a.try_acquire().unwrap(), a.try_acquire().unwrap()];
        assert!(a.snapshot().waives && a.would_admit() && !rejects(&a) && rejects(&b));
    }
}

#[test]
fn a_circuit_that_opens_again_counts_until_it_is_due() {
    for lease in [seconds(1), RECOVERY, RECOVERY * 100, Duration::MAX] {
        let hosts = Hosts::with(settings(0.5).half_open_max_calls(1).half_open_timeout(lease), &["a", "b"]);
        let (a, b) = (hosts.breakers.get("a"), hosts.breakers.get("b"));
        hosts.fail("a");
        hosts.clock.advance(RECOVERY);
        let trial = a.try_acquire().unwrap();
        assert!(rejects(&a));
        trial.settle(Outcome::Failure);
        hosts.clock.advance(RECOVERY - seconds(1));
        hosts.fail("b");
        assert!(rejects(&a) && !rejects(&b), "{lease:?}");
        hosts.clock.advance(seconds(1));
        assert!(rejects(&b), "{lease:?}: the other one is due");
    }
}

#[test]
fn half_open_circuits_without_a_lease_keep_to_the_share() {
    let keys = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for lease in [RECOVERY * 100, Duration::MAX] {
        let hosts = Hosts::with(settings(0.25).half_open_max_calls(1).half_open_timeout(lease), &keys);
        for key in &keys {
            hosts.fail(key);
        }
        hosts.clock.advance(RECOVERY);
        let circuits = keys.map(|key| hosts.breakers.get(key));
        let mut trials: Vec<_> = circuits.iter().map(|circuit| circuit.try_acquire().unwrap()).collect();
        assert_eq!(hosts.rejecting(&keys), ["a", "b"], "{lease:?}");
        trials.remove(0).settle(Outcome::Success);
        assert_eq!(hosts.rejecting(&keys), ["b", "c"], "{lease:?}");
    }
}
