//! Listeners are told of every change once and in order; who waits for the end of an outage misses none.

use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use breaker_runtime::{CircuitBreaker, Event, Outcome, State, Subscription, Transition};
use loom::thread;

use super::{breaker, due, permit, race_on, strict, with_at_most, with_few_switches};

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Transition>>>);

impl Told {
    fn by(breaker: &CircuitBreaker) -> (Self, Subscription) {
        let told = Self::default();
        let log = told.clone();
        let listening = breaker.listen(move |event: &Event| {
            if let Event::StateChanged(change) = event {
                // Others may come in between.
                thread::yield_now();
                log.0.lock().unwrap_or_else(PoisonError::into_inner).push(change.transition().clone());
            }
        });
        (told, listening)
    }

    fn is_a_chain_of(&self, changes: u64) {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let generations: Vec<_> = told.iter().map(|change| change.generation).collect();
        assert_eq!(generations, (1..=changes).collect::<Vec<_>>());
        let mut before = State::Closed;
        for change in &*told {
            assert_eq!(change.from, before);
            before = change.to;
        }
    }
}

#[test]
fn changes_by_two_operators_are_told_once_and_in_order() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(strict());
        let (told, _listening) = Told::by(&breaker);
        race_on(&breaker, CircuitBreaker::force_open, |other| {
            other.disable();
            other.reset();
        });
        told.is_a_chain_of(3);
    });
}

#[test]
fn an_opening_beside_an_order_is_told_once_and_in_order() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(strict());
        let (told, _listening) = Told::by(&breaker);
        race_on(
            &breaker,
            |one| _ = one.try_acquire().map(|permit| permit.settle(Outcome::Failure)),
            CircuitBreaker::reset,
        );
        told.is_a_chain_of(breaker.snapshot().generation);
    });
}

/// What a future would be woken by.
#[derive(Default)]
struct Woken(AtomicU32);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Waits for the circuit to close beside `change`, which closes it in the end.
fn waits_beside(breaker: &CircuitBreaker, change: impl FnOnce(&CircuitBreaker) + 'static) {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let mut closed = pin!(breaker.wait_closed());
    let ((), first) = race_on(breaker, change, |_| closed.as_mut().poll(&mut context));
    assert_eq!(breaker.state(), State::Closed);
    if first == Poll::Pending {
        assert!(woken.0.load(Ordering::SeqCst) > 0, "nobody would poll again");
        assert_eq!(closed.as_mut().poll(&mut context), Poll::Ready(()));
    }
}

#[test]
fn who_waits_for_the_closing_never_misses_it() {
    with_few_switches(|| {
        let (_clock, breaker) = breaker(strict());
        breaker.force_open();
        waits_beside(&breaker, CircuitBreaker::release);
    });
}

#[test]
fn who_waits_for_the_closing_never_misses_a_trial_that_closes() {
    with_few_switches(|| {
        let (_clock, breaker) = due(strict());
        let trial = permit(&breaker);
        waits_beside(&breaker, |_| trial.settle(Outcome::Success));
    });
}

#[test]
fn who_waits_for_the_closing_never_misses_one_that_another_thread_tells() {
    with_at_most(2, || {
        let (_clock, breaker) = breaker(strict());
        breaker.force_open();
        let theirs = breaker.clone();
        let other = thread::spawn(move || theirs.force_open());
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut closed = pin!(breaker.wait_closed());
        let ((), first) = race_on(&breaker, CircuitBreaker::release, |_| closed.as_mut().poll(&mut context));
        other.join().expect("it does not panic");
        if first == Poll::Pending && breaker.state() == State::Closed {
            assert!(woken.0.load(Ordering::SeqCst) > 0, "nobody would poll again");
            assert_eq!(closed.as_mut().poll(&mut context), Poll::Ready(()));
        }
    });
}
