//! Breakers in destructors of thread-local values. A panic there would abort the process.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, Event, KeyedBreaker, Outcome, Registry, State, circuit_breaker,
    testing,
};

use crate::support::settings;

/// Runs a function when it is dropped.
struct OnDrop(Option<Box<dyn FnOnce()>>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(function) = self.0.take() {
            function();
        }
    }
}

thread_local! {
    static EARLY: RefCell<OnDrop> = const { RefCell::new(OnDrop(None)) };
    static LATE: RefCell<OnDrop> = const { RefCell::new(OnDrop(None)) };
}

/// Runs `first` in a thread, then `at_exit` in two destructors: one is registered before `first`, and runs after
/// the destructors of what `first` used; the other one is registered after it.
fn in_thread(first: impl Fn() + Send + 'static, at_exit: impl Fn() + Clone + Send + 'static) {
    let (sender, done) = mpsc::channel();
    let at_exit = move || {
        let result = catch_unwind(AssertUnwindSafe(&at_exit));
        sender.send(result.is_ok()).unwrap();
    };
    let thread = std::thread::spawn(move || {
        EARLY.with(|value| value.borrow_mut().0 = Some(Box::new(at_exit.clone())));
        first();
        LATE.with(|value| value.borrow_mut().0 = Some(Box::new(at_exit)));
    });
    thread.join().unwrap();
    assert_eq!(done.try_iter().collect::<Vec<_>>(), [true, true]);
}

fn keyed(max_keys: u32) -> KeyedBreaker {
    Registry::new().register_keyed("exit", settings().jitter(0.5).build().unwrap(), max_keys).unwrap()
}

fn use_keys(breakers: &KeyedBreaker) {
    breakers.get("known").try_acquire().unwrap().settle(Outcome::Success);
    breakers.get("unknown").try_acquire().unwrap().settle(Outcome::Ignored);
    assert!(breakers.find("known").is_some());
    assert!(!breakers.is_empty());
    _ = (breakers.snapshot(), breakers.totals(), breakers.snapshots());
    breakers.set_config(settings().jitter(0.5).build().unwrap());
    breakers.remove("unknown");
    breakers.retain(|key, _| key == "known");
}

#[test]
fn keyed_calls_in_destructors_of_thread_local_values_work() {
    let breakers = keyed(100);
    breakers.get("known").reset();
    let (first, at_exit) = (breakers.clone(), breakers.clone());
    in_thread(move || use_keys(&first), move || use_keys(&at_exit));
    assert_eq!(breakers.get("known").snapshot().totals.successes, 3);
    assert_eq!(breakers.totals().calls(), 6);
}

#[test]
fn keyed_calls_only_in_destructors_of_thread_local_values_work() {
    let breakers = keyed(100);
    breakers.get("known").force_close();
    let at_exit = breakers.clone();
    in_thread(|| (), move || use_keys(&at_exit));
    assert_eq!(breakers.totals().calls(), 4);
}

#[test]
fn a_keyed_breaker_can_be_created_and_dropped_in_destructors_of_thread_local_values() {
    in_thread(
        || drop(keyed(1).get("a")),
        || {
            let breakers = keyed(1);
            for key in ["a", "b", "c"] {
                _ = breakers.get(key).try_acquire();
            }
        },
    );
}

/// Uses everything that a breaker without keys offers.
fn use_breaker(breaker: &CircuitBreaker) {
    breaker.call(|| Ok::<_, BreakerError>(())).unwrap();
    let subscription = breaker.listen(|_: &Event| ());
    breaker.force_open();
    assert!(breaker.call(|| Ok::<_, BreakerError>(())).is_err());
    breaker.release();
    (0..2).for_each(|_| _ = breaker.try_acquire().unwrap().settle(Outcome::Failure)); // opens, with jitter
    assert_eq!(breaker.state(), State::Open);
    breaker.reset();
    let slot = breaker.try_acquire().unwrap();
    assert!(breaker.call(|| Ok::<_, BreakerError>(())).is_err(), "waits in vain");
    drop(slot);
    _ = breaker.snapshot();
    drop(subscription);
}

#[test]
fn calls_and_waits_in_destructors_of_thread_local_values_work() {
    let limited = settings().jitter(1.0).max_concurrent(1).max_wait(Duration::from_millis(1)).durations(true);
    let config = limited.build().unwrap();
    let use_new = move || {
        let registry = Registry::new();
        let mut events = registry.subscribe();
        use_breaker(&registry.register("exit", config.clone()).unwrap());
        assert!(events.try_next().is_some());
    };
    in_thread(use_new.clone(), use_new);
}

#[test]
fn calls_inside_calls_in_destructors_of_thread_local_values_do_not_wait_for_themselves() {
    fn nest(breakers: &[CircuitBreaker]) -> Result<(), BreakerError> {
        match breakers {
            [] => Ok(()),
            [first, others @ ..] => first.call(|| first.call(|| nest(others))),
        }
    }

    let limited = settings().max_concurrent(1).max_wait(Duration::MAX).build().unwrap();
    let breakers: Vec<_> = ["a", "b", "c", "d", "e", "f"]
        .map(|name| CircuitBreaker::new(name, limited.clone()).unwrap())
        .into_iter()
        .collect();
    let at_exit = move || {
        nest(&breakers).unwrap();
        assert!(breakers.iter().all(|breaker| breaker.snapshot().calls_in_flight == Some(0)));
    };
    in_thread(at_exit.clone(), at_exit);
}

#[circuit_breaker(key = key)]
fn keyed_function(key: &str) -> Result<usize, BreakerError> {
    Ok(key.len())
}

#[circuit_breaker]
async fn async_function() -> Result<(), BreakerError> {
    std::future::ready(()).await;
    Ok(())
}

#[test]
fn annotated_functions_and_scopes_in_destructors_of_thread_local_values_work() {
    let use_functions = || {
        assert_eq!(keyed_function("abc").unwrap(), 3);
        let mut future = std::pin::pin!(async_function());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_ready());
        _ = (Registry::global().snapshots(), Registry::global().check(), Registry::declared().count());
        testing::scope(|scope| {
            scope.registry().register("scoped", Config::default()).unwrap().force_open();
            scope.clock().advance(Duration::from_secs(1));
        });
    };
    in_thread(use_functions, use_functions);
}
