//! Listeners receive every change once and in order; tasks that wait for a closed circuit never miss a change.

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, Event, Outcome, Registry, State, Subscription, Transition};
use loom::thread;

use super::{breaker, leaked, permit, race_on, ready_for_trial, strict, with_few_preemptions};

/// The changes that a listener received.
#[derive(Clone, Default)]
struct Changes(Arc<Mutex<Vec<Transition>>>);

impl Changes {
    fn of(breaker: &CircuitBreaker) -> (Self, Subscription) {
        let changes = Self::default();
        let log = changes.clone();
        let subscription = breaker.listen(move |event: &Event| {
            if let Event::StateChanged(change) = event {
                // Lets another thread run in between.
                thread::yield_now();
                log.0.lock().unwrap_or_else(PoisonError::into_inner).push(change.transition().clone());
            }
        });
        (changes, subscription)
    }

    fn assert_chain_of(&self, count: u64) {
        let changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let generations: Vec<_> = changes.iter().map(|change| change.generation).collect();
        assert_eq!(generations, (1..=count).collect::<Vec<_>>());
        let mut before = State::Closed;
        for change in &*changes {
            assert_eq!(change.from, before);
            before = change.to;
        }
    }
}

#[test]
fn changes_by_two_operators_are_notified_once_and_in_order() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(strict());
        let (changes, _subscription) = Changes::of(&breaker);
        race_on(&breaker, CircuitBreaker::force_open, |other| {
            other.disable();
            other.reset();
        });
        changes.assert_chain_of(3);
    });
}

#[test]
fn an_opening_concurrent_with_a_command_is_notified_once_and_in_order() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(strict());
        let (changes, _subscription) = Changes::of(&breaker);
        race_on(
            &breaker,
            |one| _ = one.try_acquire().map(|permit| permit.settle(Outcome::Failure)),
            CircuitBreaker::reset,
        );
        changes.assert_chain_of(breaker.snapshot().generation);
    });
}

/// A task that counts how often it is woken.
#[derive(Default)]
struct Task(AtomicU32);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// The result of a task that polled `wait_closed` once.
struct Polled {
    task: Arc<Task>,
    closed: Pin<Box<dyn Future<Output = ()>>>,
    first: Poll<()>,
}

impl Polled {
    /// Polls `wait_closed` once on this thread.
    fn once(breaker: &CircuitBreaker) -> Self {
        let task = Arc::new(Task::default());
        let waker = Waker::from(Arc::clone(&task));
        let mut closed: Pin<Box<dyn Future<Output = ()>>> = Box::pin(leaked(breaker).wait_closed());
        let first = closed.as_mut().poll(&mut Context::from_waker(&waker));
        Self { task, closed, first }
    }

    /// Checks that a pending task was woken, now that the circuit is closed or removed.
    fn assert_woken(mut self) {
        if self.first == Poll::Pending {
            assert!(self.task.0.load(Ordering::SeqCst) > 0, "the waiting task is woken");
            assert_eq!(self.closed.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()));
        }
    }
}

/// Checks that a task that waits for a closed circuit is woken by `change`, which closes it at the same time.
/// The task polls on a new thread, because loom delays the loads of new threads only.
fn check_wait_closed_during(breaker: &CircuitBreaker, change: impl FnOnce(&CircuitBreaker) + 'static) {
    let (polled, ()) = race_on(breaker, Polled::once, change);
    assert_eq!(breaker.state(), State::Closed);
    polled.assert_woken();
}

#[test]
fn wait_closed_never_misses_an_operator_that_closes() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(strict());
        breaker.force_open();
        check_wait_closed_during(&breaker, CircuitBreaker::release);
    });
}

#[test]
fn wait_closed_never_misses_a_trial_that_closes() {
    with_few_preemptions(|| {
        let (_clock, breaker) = ready_for_trial(strict());
        let trial = permit(&breaker);
        check_wait_closed_during(&breaker, |_| _ = trial.settle(Outcome::Success));
    });
}

#[test]
fn wait_closed_never_misses_the_removal_of_the_circuit() {
    with_few_preemptions(|| {
        let config = strict().build().expect("the settings are in range");
        let registry = Registry::with_clock(&Clock::new());
        let keys = registry.register_keyed("loom", config, 2).expect("the registry is empty");
        let circuit = keys.get("a");
        circuit.force_open();
        let (polled, removed) = race_on(&circuit, Polled::once, |_| keys.remove("a"));
        assert!(removed.is_some());
        polled.assert_woken();
    });
}

#[test]
fn wait_closed_never_misses_a_change_that_another_thread_notifies() {
    with_few_preemptions(|| {
        let (_clock, breaker) = breaker(strict());
        breaker.force_open();
        // The listener lets other threads run while this one notifies.
        let subscription = breaker.listen(|_: &Event| thread::yield_now());
        let clone = breaker.clone();
        let notifying = thread::spawn(move || clone.force_open());
        let (polled, ()) = race_on(&breaker, Polled::once, CircuitBreaker::release);
        notifying.join().expect("the thread does not panic");
        drop(subscription);
        if breaker.state() == State::Closed {
            polled.assert_woken();
        }
    });
}
