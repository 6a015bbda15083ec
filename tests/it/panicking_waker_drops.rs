//! A waker whose drop panics keeps no call from being settled, no matter where its last reference is: in the timer of a
//! time limit or of a wait, or in a stream.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::panicking;
use std::time::Duration;

use breaker_runtime::integrations::stream::guard_stream;
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Outcome, Registry, State};
use futures_util::{Stream, stream};

use crate::support::Fault;

const MINUTE: Duration = Duration::from_secs(60);

/// A task whose waker panics when its last reference is dropped.
struct PanicsAtEnd;

impl Wake for PanicsAtEnd {
    fn wake(self: Arc<Self>) {}
}

impl Drop for PanicsAtEnd {
    fn drop(&mut self) {
        if !panicking() {
            resume_unwind(Box::new("the waker panics when it is dropped"));
        }
    }
}

/// Returns a circuit with one slot that opens at its first failure.
fn circuit(config: ConfigBuilder) -> CircuitBreaker {
    let config = config.failure_threshold(1).max_concurrent(1).build().unwrap();
    Registry::new().register("search", config).unwrap()
}

/// Calls `poll` with a waker to which nothing else refers afterwards than what was polled.
fn with_panicking_waker<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) {
    let waker = Waker::from(Arc::new(PanicsAtEnd));
    assert!(poll(&mut Context::from_waker(&waker)).is_pending());
    _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Returns a result when it is polled for the second time.
async fn answer(result: Result<(), Fault>) -> Result<(), Fault> {
    let mut was_polled = false;
    let second_poll = |_: &mut Context<'_>| {
        if std::mem::replace(&mut was_polled, true) { Poll::Ready(()) } else { Poll::Pending }
    };
    poll_fn(second_poll).await;
    result
}

fn assert_settled(circuit: &CircuitBreaker, result: Result<(), Fault>) {
    let snapshot = circuit.snapshot();
    let expected = if result.is_ok() { State::Closed } else { State::Open };
    assert_eq!((snapshot.state, snapshot.calls_in_flight), (expected, Some(0)));
    assert_eq!(snapshot.totals.calls(), 1);
}

const RESULTS: [Result<(), Fault>; 2] = [Ok(()), Err(Fault::Down)];

#[tokio::test]
async fn a_call_with_a_time_limit_is_settled() {
    for result in RESULTS {
        let circuit = circuit(Config::builder().call_timeout(MINUTE));
        let mut call = pin!(circuit.call_async(answer(result)));
        with_panicking_waker(|context| call.as_mut().poll(context));
        assert_eq!(poll(call), Poll::Ready(result));
        assert_settled(&circuit, result);
    }
}

#[tokio::test]
async fn a_call_that_has_waited_for_its_slot_is_settled() {
    for result in RESULTS {
        let circuit = circuit(Config::builder().max_wait(MINUTE));
        let running = circuit.try_acquire().unwrap();
        let mut call = pin!(circuit.call_async(answer(result)));
        with_panicking_waker(|context| call.as_mut().poll(context));
        running.settle(Outcome::Ignored);
        assert!(poll(call.as_mut()).is_pending());
        assert_eq!(circuit.snapshot().calls_in_flight, Some(1));
        assert_eq!(poll(call), Poll::Ready(result));
        assert_eq!(circuit.snapshot().totals.ignored, 1);
        let expected = if result.is_ok() { State::Closed } else { State::Open };
        assert_eq!((circuit.state(), circuit.snapshot().calls_in_flight), (expected, Some(0)));
    }
}

#[test]
fn a_stream_that_is_dropped_while_its_consumer_waits_is_settled() {
    let circuit = circuit(Config::builder().cancelled_after(Duration::from_nanos(1)));
    let permit = circuit.try_acquire_owned().unwrap();
    let mut guarded = Box::pin(guard_stream(permit, stream::pending::<Result<(), Fault>>()));
    with_panicking_waker(|context| guarded.as_mut().poll_next(context));
    drop(guarded);
    assert_settled(&circuit, Err(Fault::Down));
}

#[test]
fn a_stream_that_fails_is_settled() {
    let circuit = circuit(Config::builder());
    let permit = circuit.try_acquire_owned().unwrap();
    let mut guarded = pin!(guard_stream(permit, stream::once(answer(Err(Fault::Down)))));
    with_panicking_waker(|context| guarded.as_mut().poll_next(context));
    assert!(guarded.poll_next(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_settled(&circuit, Err(Fault::Down));
}

#[tokio::test]
async fn a_wait_for_the_closed_circuit_goes_on_and_ends() {
    let circuit = circuit(Config::builder());
    circuit.force_open();
    let mut dropped = Box::pin(circuit.wait_closed());
    with_panicking_waker(|context| dropped.as_mut().poll(context));
    drop(dropped);

    let mut waiting = pin!(circuit.wait_closed());
    with_panicking_waker(|context| waiting.as_mut().poll(context));
    assert!(poll(waiting.as_mut()).is_pending());
    circuit.force_close();
    assert!(poll(waiting.as_mut()).is_ready());
}
