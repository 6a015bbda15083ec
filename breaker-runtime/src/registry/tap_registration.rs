//! The registration of taps for all circuits of a store, now and later.

use std::fmt;
use std::sync::{Arc, Weak};

use super::store::Store;
use crate::breaker::TapSource;
use crate::clock::Clock;

/// The registration of a source of taps. Dropping it detaches the taps.
#[must_use = "dropping a registration detaches the taps"]
pub(crate) struct TapRegistration {
    store: Weak<Store>,
    source: Arc<dyn TapSource>,
}

impl Store {
    /// Attaches the taps of this source to all circuits, now and later, until the registration is dropped.
    #[allow(dead_code, reason = "only the features `shadow` and `recorder` have taps")]
    pub(crate) fn attach_taps(self: &Arc<Self>, source: Arc<dyn TapSource>) -> TapRegistration {
        // New circuits are tapped under the lock of their breaker, where the clock must not be calibrated.
        Clock::prepare();
        self.taps().change(|sources| sources.push(Arc::clone(&source)));
        for breaker in self.breakers() {
            for circuit in breaker.circuits() {
                circuit.circuit().attach_tap(&source);
            }
        }
        TapRegistration { store: Arc::downgrade(self), source }
    }
}

impl Drop for TapRegistration {
    fn drop(&mut self) {
        let Some(store) = self.store.upgrade() else {
            return;
        };
        store.taps().change(|sources| sources.retain(|source| !Arc::ptr_eq(source, &self.source)));
        for breaker in store.breakers() {
            // A circuit that is removed between both lists is in the first one.
            let present = breaker.circuits();
            for circuit in present.into_iter().chain(breaker.removed_circuits()) {
                circuit.circuit().detach_tap(&self.source);
            }
        }
    }
}

impl fmt::Debug for TapRegistration {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TapRegistration").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::breaker::{CallEnd, CallTap, Circuit, CompletedCall};
    use crate::clock::Moment;
    use crate::error::ErrorKind;
    use crate::sync::{Mutex, lock};
    use crate::{Config, Outcome, Registry};

    /// Logs the calls of all circuits but one.
    #[derive(Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    struct LogOfCircuit {
        name: String,
        lines: Arc<Mutex<Vec<String>>>,
    }

    impl TapSource for Log {
        fn tap(&self, circuit: &Arc<Circuit>) -> Option<Arc<dyn CallTap>> {
            let id = circuit.id();
            let name = id.key().unwrap_or(id.name()).to_owned();
            let lines = Arc::clone(&self.0);
            (name != "unwanted").then(|| Arc::new(LogOfCircuit { name, lines }) as _)
        }
    }

    impl CallTap for LogOfCircuit {
        fn completed(&self, call: &CompletedCall) {
            lock(&self.lines).push(format!("{} {:?}", self.name, call.end));
        }

        fn rejected(&self, kind: ErrorKind, _at: Moment) {
            lock(&self.lines).push(format!("{} {kind:?}", self.name));
        }
    }

    fn call(breaker: &crate::CircuitBreaker, outcome: Outcome) {
        if let Ok(permit) = breaker.try_acquire() {
            permit.settle(outcome);
        }
    }

    #[test]
    fn taps_see_the_calls_of_present_and_later_circuits_until_they_are_detached() {
        let registry = Registry::new();
        let early = registry.register("early", Config::default()).unwrap();
        let log = Log::default();
        let lines = Arc::clone(&log.0);
        let registration = registry.store.attach_taps(Arc::new(log));
        let late = registry.register("late", Config::default()).unwrap();
        let keyed = registry.register_keyed("keyed", Config::default(), 1).unwrap();
        let unwanted = registry.register("unwanted", Config::default()).unwrap();
        call(&early, Outcome::Success);
        call(&late, Outcome::Failure);
        call(&keyed.get("a"), Outcome::Ignored);
        call(&unwanted, Outcome::Success);
        early.force_open();
        call(&early, Outcome::Success);
        drop(late.try_acquire().unwrap());
        let expected = ["early Success", "late Failure", "a Ignored", "early ForcedOpen"];
        assert_eq!(lock(&lines).iter().take(4).collect::<Vec<_>>(), expected);
        let seen = lock(&lines).len();
        drop(registration);
        call(&late, Outcome::Success);
        call(&keyed.get("a"), Outcome::Success);
        call(&early, Outcome::Success);
        assert_eq!(lock(&lines).len(), seen);
        assert!(!late.circuit().options.get().unwrap().is_tapped());
        assert_eq!(Arc::strong_count(&lines), 1);
    }

    #[test]
    fn a_removed_circuit_is_tapped_until_its_taps_are_detached() {
        let registry = Registry::new();
        let keyed = registry.register_keyed("keyed", Config::default(), 10).unwrap();
        let log = Log::default();
        let lines = Arc::clone(&log.0);
        let registration = registry.store.attach_taps(Arc::new(log));
        let removed = keyed.get("a");
        keyed.remove("a");
        call(&removed, Outcome::Success);
        drop(registration);
        call(&removed, Outcome::Success);
        assert_eq!(*lock(&lines), ["a Success"]);
        assert!(removed.circuit().machine.admit_fast().is_some());
        assert_eq!(Arc::strong_count(&lines), 1, "the tap is dropped");
    }

    #[test]
    fn a_new_circuit_has_its_taps_before_other_threads_find_it() {
        struct Sizes {
            keyed: crate::KeyedBreaker,
            seen: Arc<Mutex<Vec<usize>>>,
        }
        impl TapSource for Sizes {
            fn tap(&self, _circuit: &Arc<Circuit>) -> Option<Arc<dyn CallTap>> {
                lock(&self.seen).push(self.keyed.len());
                Some(Arc::new(LogOfCircuit { name: String::new(), lines: Arc::default() }))
            }
        }
        let registry = Registry::new();
        let keyed = registry.register_keyed("keyed", Config::default(), 10).unwrap();
        let seen = Arc::default();
        let source = Sizes { keyed: keyed.clone(), seen: Arc::clone(&seen) };
        let _registration = registry.store.attach_taps(Arc::new(source));
        let circuits = [keyed.get("a"), keyed.get("b"), keyed.overflow()];
        assert!(circuits.iter().all(|circuit| circuit.circuit().options.get().unwrap().is_tapped()));
        assert_eq!(*lock(&seen), [0, 1, 2]);
    }

    #[test]
    fn calls_return_to_the_fast_path_with_their_run_and_window_after_the_last_tap() {
        for settings in [Config::builder(), Config::builder().window_calls(10)] {
            let registry = Registry::new();
            let breaker =
                registry.register("search", settings.failure_threshold(3).build().unwrap()).unwrap();
            let is_fast = || breaker.circuit().machine.admit_fast().is_some();
            let early = breaker.try_acquire().unwrap();
            let taps = [Log::default(), Log::default()].map(|log| registry.store.attach_taps(Arc::new(log)));
            assert!(!is_fast());
            call(&breaker, Outcome::Failure);
            let tapped = breaker.try_acquire().unwrap();
            let [first, last] = taps;
            drop(first);
            assert!(!is_fast());
            drop(last);
            assert!(is_fast());
            // Calls of every level count alike: two failures of three, then a success.
            tapped.settle(Outcome::Failure);
            assert_eq!(breaker.state(), crate::State::Closed);
            early.settle(Outcome::Success);
            let counts = breaker.snapshot().window;
            let expected = counts.as_ref().map(|_| (2, 3));
            assert_eq!(counts.map(|window| (window.failures, window.calls)), expected);
            if expected.is_none() {
                call(&breaker, Outcome::Failure);
                call(&breaker, Outcome::Failure);
                assert_eq!(breaker.state(), crate::State::Closed, "the success has ended the run");
            }
            call(&breaker, Outcome::Failure);
            assert_eq!(breaker.state(), crate::State::Open);
            breaker.reset();
            assert!(is_fast(), "in the next generation too");
        }
    }

    #[test]
    fn a_circuit_that_tracks_its_calls_for_another_reason_goes_on_after_its_taps() {
        let registry = Registry::new();
        let bounded = Config::builder().max_concurrent(1).build().unwrap();
        let breaker = registry.register("search", bounded).unwrap();
        let is_tracked = || breaker.circuit().machine.admit_tracked().is_some();
        drop(registry.store.attach_taps(Arc::new(Log::default())));
        assert!(is_tracked());
        let running = breaker.try_acquire().unwrap();
        assert_eq!(breaker.try_acquire().unwrap_err().kind(), ErrorKind::BulkheadFull);
        drop(running);
        // Taps that end while the circuit is open end for the next closed generation too.
        let plain = registry.register("plain", Config::default()).unwrap();
        let registration = registry.store.attach_taps(Arc::new(Log::default()));
        plain.force_open();
        drop(registration);
        plain.force_close();
        assert!(plain.circuit().machine.admit_fast().is_some());
    }

    #[test]
    fn a_panic_in_a_tap_does_not_reach_the_caller() {
        struct Panics;
        impl TapSource for Panics {
            fn tap(&self, _circuit: &Arc<Circuit>) -> Option<Arc<dyn CallTap>> {
                Some(Arc::new(Self))
            }
        }
        impl CallTap for Panics {
            fn completed(&self, call: &CompletedCall) {
                assert_ne!(call.end, CallEnd::Success, "the tap panics");
            }

            fn rejected(&self, _kind: ErrorKind, _at: Moment) {}
        }
        let registry = Registry::new();
        let breaker = registry.register("search", Config::default()).unwrap();
        let _registration = registry.store.attach_taps(Arc::new(Panics));
        call(&breaker, Outcome::Success);
        assert_eq!(breaker.snapshot().totals.successes, 1);
    }
}
