//! A waker that panics affects neither the other tasks that wait nor the code that wakes it.

use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::panicking;
use std::time::Duration;

use breaker_runtime::queue::{Delivery, RetryQueue};
use breaker_runtime::{BreakerError, CircuitBreaker, Config, Events, Outcome, Registry};

use crate::support::{Fixture, settings};

const SECOND: Duration = Duration::from_secs(1);

/// A task whose waker panics.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        resume_unwind(Box::new("the waker panics"));
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        if !panicking() {
            resume_unwind(Box::new("the waker panics when it is dropped"));
        }
    }
}

/// A task that counts how often it is woken.
#[derive(Default)]
struct Counts(AtomicUsize);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Counts {
    fn wakes(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Polls `future` with a waker that nothing else refers to afterwards.
fn poll_with<F: Future>(future: Pin<&mut F>, task: &Arc<Counts>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(task))))
}

fn poll_with_panics<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(&Waker::from(Arc::new(Panics))))
}

fn registered() -> (Registry, CircuitBreaker) {
    let registry = Registry::new();
    let breaker = registry.register("search", Config::default()).unwrap();
    (registry, breaker)
}

fn starts_to_wait(events: &mut Events, task: &Arc<Counts>) -> bool {
    poll_with(pin!(events.next()), task).is_pending()
}

#[test]
fn every_reader_of_events_is_woken_although_the_wakers_of_others_panic() {
    let (registry, breaker) = registered();
    let task = Arc::new(Counts::default());
    let mut others: Vec<_> = (0..40).map(|_| registry.subscribe()).collect();
    let mut reader = registry.subscribe();
    for events in &mut others {
        assert!(poll_with_panics(pin!(events.next())).is_pending());
    }
    assert!(starts_to_wait(&mut reader, &task));
    for events in 1..=4 {
        breaker.reset();
        assert_eq!(task.wakes(), events);
        assert!(poll_with(pin!(reader.next()), &task).is_ready());
        assert!(starts_to_wait(&mut reader, &task));
        for events in &mut others {
            assert!(poll_with(pin!(events.next()), &task).is_ready());
            assert!(poll_with_panics(pin!(events.next())).is_pending());
        }
    }
}

#[test]
fn every_reader_of_events_is_woken_when_the_registry_ends() {
    let (registry, breaker) = registered();
    let task = Arc::new(Counts::default());
    let [mut other, mut reader] = [(); 2].map(|()| registry.subscribe());
    assert!(poll_with_panics(pin!(other.next())).is_pending());
    assert!(starts_to_wait(&mut reader, &task));
    drop((registry, breaker));
    assert_eq!(task.wakes(), 1);
    assert_eq!(poll_with(pin!(reader.next()), &task).map(|event| event.is_none()), Poll::Ready(true));
}

#[test]
fn every_call_that_waits_is_woken_when_the_clock_advances() {
    let fixture = Fixture::with(settings().max_concurrent(1).max_wait(SECOND));
    let call = || fixture.breaker.call_async(async { Ok::<_, BreakerError>(()) });
    let running = fixture.permit();
    let task = Arc::new(Counts::default());
    let (mut other, mut waiting) = (pin!(call()), pin!(call()));
    assert!(poll_with_panics(other.as_mut()).is_pending());
    assert!(poll_with(waiting.as_mut(), &task).is_pending());
    fixture.clock.advance(SECOND);
    assert!(task.wakes() > 0);
    assert!(matches!(poll_with(waiting, &task), Poll::Ready(Err(_))));
    assert!(matches!(poll_with(other, &task), Poll::Ready(Err(_))));
    running.settle(Outcome::Success);
}

#[test]
fn a_push_does_not_panic_because_of_the_task_that_delivers() {
    let fixture = Fixture::new();
    let queue = RetryQueue::in_memory(&fixture.breaker, 10);
    let mut draining = pin!(queue.drain(async |_: Arc<u32>| Delivery::Done).run());
    assert!(poll_with_panics(draining.as_mut()).is_pending());
    queue.push_blocking(7).unwrap();
    assert_eq!(fixture.breaker.snapshot().queue.unwrap().length, 1);
}

#[test]
fn every_drain_is_woken_when_the_queue_is_closed() {
    let fixture = Fixture::new();
    let queue = RetryQueue::<u32>::in_memory(&fixture.breaker, 10);
    let mut drains: Vec<_> =
        (0..3).map(|_| Box::pin(queue.drain(async |_: Arc<u32>| Delivery::Done).run())).collect();
    let task = Arc::new(Counts::default());
    let [first, second, third] = &mut drains[..] else { panic!("there are three drains") };
    assert!(poll_with_panics(first.as_mut()).is_pending());
    assert!(poll_with_panics(second.as_mut()).is_pending());
    assert!(poll_with(third.as_mut(), &task).is_pending());
    queue.close();
    assert_eq!(task.wakes(), 1);
    assert!(poll_with(third.as_mut(), &task).is_ready());
}
