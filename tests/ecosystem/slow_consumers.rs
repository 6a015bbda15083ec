//! Streams and bodies whose consumer polls ahead and then does other work: only the wait for the dependency counts.
#![expect(clippy::disallowed_methods, reason = "the clock is paused, so no test waits")]

use std::convert::Infallible;
use std::future::ready;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use breaker_runtime::chaos::Drill;
use breaker_runtime::integrations::stream::{GuardedStream, guard_stream};
use breaker_runtime::integrations::tower::BreakerLayer;
use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Event, Fault, Registry, State, testing};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tower::{Layer as _, Service as _, service_fn};

const SECOND: Duration = Duration::from_secs(1);

fn circuit(settings: ConfigBuilder) -> CircuitBreaker {
    CircuitBreaker::new("chat", settings.failure_threshold(1).build().unwrap()).unwrap()
}

/// Returns a channel whose receiver is a stream.
fn channel<T>() -> (UnboundedSender<T>, impl Stream<Item = T> + Unpin) {
    let (sender, mut receiver) = unbounded_channel();
    (sender, stream::poll_fn(move |context| receiver.poll_recv(context)))
}

/// Sends `count` items, one after each pause.
fn send<T: Clone + Send + 'static>(sender: UnboundedSender<T>, item: T, count: usize, pause: Duration) {
    tokio::spawn(async move {
        for _ in 0..count {
            if sender.send(item.clone()).is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    });
}

/// Polls once.
fn poll<S: Stream + Unpin>(stream: &mut S, waker: &Waker) -> Poll<Option<S::Item>> {
    stream.poll_next_unpin(&mut Context::from_waker(waker))
}

fn last_failure(breaker: &CircuitBreaker) -> Option<String> {
    breaker.snapshot().last_transition?.last_failure.as_deref().map(ToOwned::to_owned)
}

#[tokio::test(start_paused = true)]
async fn a_slow_consumer_that_polls_ahead_does_not_open_the_circuit() {
    let breaker = circuit(Config::builder().hang(SECOND * 30));
    let (sender, items) = channel();
    send(sender, Ok::<u8, ()>(1), 20, Duration::from_millis(1));
    let mut chunks = guard_stream(breaker.try_acquire_owned().unwrap(), items).ready_chunks(16);
    let mut received = 0;
    while let Some(chunk) = chunks.next().await {
        received += chunk.len();
        tokio::time::sleep(SECOND * 60).await;
        assert_eq!(breaker.state(), State::Closed, "after {received} items");
    }
    assert_eq!((received, breaker.snapshot().totals.successes), (20, 1));
}

#[tokio::test(start_paused = true)]
async fn other_work_of_a_consumer_is_not_part_of_its_wait() {
    let breaker = circuit(Config::builder().hang(SECOND * 30).durations(true));
    let (sender, items) = channel();
    send(sender, Ok::<u8, ()>(1), 100, SECOND);
    let mut items = guard_stream(breaker.try_acquire_owned().unwrap(), items);
    let mut ticks = tokio::time::interval(Duration::from_millis(1500));
    loop {
        tokio::select! {
            biased;
            item = items.next() => if item.is_none() { break },
            _ = ticks.tick() => {
                tokio::time::sleep(SECOND * 40).await;
                assert_eq!(breaker.state(), State::Closed);
            }
        }
    }
    let durations = breaker.snapshot().durations.unwrap();
    assert!(durations.sum() <= SECOND * 101, "{:?}", durations.sum());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_after_its_next_item_has_arrived_is_no_failure() {
    let breaker = circuit(Config::builder());
    let (sender, items) = channel();
    let mut chunks = guard_stream(breaker.try_acquire_owned().unwrap(), items).ready_chunks(4);
    sender.send(Ok::<u8, ()>(1)).unwrap();
    chunks.next().await;
    sender.send(Ok(2)).unwrap();
    tokio::time::sleep(SECOND * 60).await;
    drop(chunks);
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.failures, totals.ignored), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_of_a_body_does_not_open_the_circuit() {
    let breaker = circuit(Config::builder().hang(SECOND * 30));
    let mut service =
        BreakerLayer::new(&breaker).classify_http().until_body_end().layer(service_fn(|(): ()| {
            let (sender, frames) = channel();
            send(sender, Bytes::from_static(b"x"), 200, SECOND);
            let frames = frames.map(|bytes| Ok::<_, Infallible>(Frame::data(bytes)));
            ready(Ok::<_, Infallible>(Response::new(StreamBody::new(frames))))
        }));
    let body = service.call(()).await.unwrap().into_body();
    let mut chunks = body.into_data_stream().ready_chunks(4);
    for _ in 0..3 {
        assert!(chunks.next().await.is_some());
        tokio::time::sleep(SECOND * 40).await;
        assert_eq!(breaker.state(), State::Closed);
    }
}

#[test]
fn the_wait_for_an_item_ends_when_the_stream_wakes_its_consumer() {
    testing::scope(|scope| {
        let breaker = circuit(Config::builder().durations(true).cancelled_after(SECOND * 5));
        let guarded = |items| guard_stream(breaker.try_acquire_owned().unwrap(), items);
        let (sender, items) = channel();
        let mut items = guarded(items);
        for _ in 0..3 {
            assert!(poll(&mut items, Waker::noop()).is_pending());
            scope.advance(SECOND * 2);
            sender.send(Ok::<u8, ()>(1)).unwrap();
            scope.advance(SECOND * 60);
            assert!(poll(&mut items, Waker::noop()).is_ready());
        }
        drop(sender);
        assert!(poll(&mut items, Waker::noop()).is_ready());
        assert_eq!(breaker.snapshot().durations.unwrap().sum(), SECOND * 6);
        let (sender, items) = channel();
        let mut items = guarded(items);
        assert!(poll(&mut items, Waker::noop()).is_pending());
        scope.advance(SECOND * 5);
        sender.send(Ok(1)).unwrap();
        scope.advance(SECOND * 60);
        drop(items);
        let text = last_failure(&breaker).unwrap();
        assert_eq!(text, "the caller cancelled the call after it had waited 5.0s for the next part");
    });
}

/// A stream that never has an item, and the waker of its last poll.
#[derive(Clone, Default)]
struct Silent(Arc<Mutex<Option<Waker>>>);

impl Silent {
    fn waker(&self) -> Waker {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap()
    }
}

impl Stream for Silent {
    type Item = Result<u8, ()>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        Poll::Pending
    }
}

fn silent(breaker: &CircuitBreaker) -> (Silent, GuardedStream<Silent>) {
    let silent = Silent::default();
    (silent.clone(), guard_stream(breaker.try_acquire_owned().unwrap(), silent))
}

#[test]
fn wake_ups_without_an_item_do_not_restart_the_wait() {
    testing::scope(|scope| {
        let breaker = circuit(Config::builder().hang(SECOND * 30).cancelled_after(SECOND * 20));
        let (source, mut items) = silent(&breaker);
        assert!(poll(&mut items, Waker::noop()).is_pending());
        for _ in 0..29 {
            scope.advance(SECOND);
            source.waker().wake();
            scope.advance(SECOND * 7);
            assert!(poll(&mut items, Waker::noop()).is_pending());
            assert_eq!(breaker.state(), State::Closed, "7 of 8 seconds are the consumer's");
        }
        scope.advance(SECOND);
        assert_eq!(breaker.state(), State::Open, "it has waited for 30 seconds");
        drop(items);
        breaker.reset();
        let (source, mut items) = silent(&breaker);
        assert!(poll(&mut items, Waker::noop()).is_pending());
        for _ in 0..20 {
            scope.advance(SECOND);
            source.waker().wake_by_ref();
            assert!(poll(&mut items, Waker::noop()).is_pending());
        }
        drop(items);
        assert!(last_failure(&breaker).unwrap().contains("waited 20.0s"));
    });
}

#[test]
fn the_first_hang_does_not_apply_to_a_stream_that_began_before_it_also_after_a_drill() {
    let clock = Clock::new();
    let registry = Registry::with_clock(&clock);
    let breaker = registry.register("chat", Config::default()).unwrap();
    Drill::new(Fault::fail(0.5), SECOND).start(&registry, "chat").unwrap().stop();
    let (_source, mut items) = silent(&breaker);
    breaker.set_config(Config::builder().hang(SECOND * 10).build().unwrap());
    assert!(poll(&mut items, Waker::noop()).is_pending());
    let (_source, mut later) = silent(&breaker);
    clock.advance(SECOND * 11);
    assert_eq!(breaker.state(), State::Closed);
    assert!(poll(&mut later, Waker::noop()).is_pending());
    clock.advance(SECOND * 11);
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn a_wake_up_that_comes_too_late_leaves_the_circuit_to_open_at_the_next_check() {
    testing::scope(|scope| {
        let breaker = circuit(Config::builder().hang(SECOND * 30));
        let changes = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&changes);
        let _listening = breaker.listen(move |_: &Event| _ = counted.fetch_add(1, Ordering::Relaxed));
        let (source, mut items) = silent(&breaker);
        assert!(poll(&mut items, Waker::noop()).is_pending());
        scope.advance(SECOND * 30);
        source.waker().wake();
        assert_eq!(changes.load(Ordering::Relaxed), 0, "no listener runs inside a wake-up");
        assert_eq!(breaker.state(), State::Open);
        assert!(poll(&mut items, Waker::noop()).is_pending());
        drop(items);
        assert_eq!((changes.load(Ordering::Relaxed), breaker.state()), (1, State::Open));
    });
}

#[test]
fn a_stream_that_wakes_its_consumer_during_a_poll_does_not_make_it_wait() {
    testing::scope(|scope| {
        let breaker = circuit(Config::builder().hang(SECOND * 30));
        let yields = stream::poll_fn(|context| {
            context.waker().wake_by_ref();
            Poll::<Option<Result<u8, ()>>>::Pending
        });
        let mut yields = guard_stream(breaker.try_acquire_owned().unwrap(), yields);
        assert!(poll(&mut yields, Waker::noop()).is_pending());
        scope.advance(SECOND * 60);
        assert_eq!(breaker.state(), State::Closed);
        drop(yields);
        assert_eq!(breaker.snapshot().totals.failures, 0);
    });
}

/// A consumer that wakes the stream's waker again whenever it is woken or dropped.
struct Consumer {
    source: Silent,
    wakes: AtomicU64,
}

impl Wake for Consumer {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
        self.source.waker().wake();
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.source.waker().wake();
    }
}

#[test]
fn no_lock_is_held_while_a_waker_of_the_consumer_runs_and_nothing_keeps_it_afterwards() {
    let breaker = circuit(Config::builder().hang(SECOND * 30));
    let (source, mut items) = silent(&breaker);
    let consumers = [(); 2].map(|()| Arc::new(Consumer { source: source.clone(), wakes: AtomicU64::new(0) }));
    let [first, second] = consumers.map(|consumer| (Arc::downgrade(&consumer), Waker::from(consumer)));
    let wakes =
        |consumer: &std::sync::Weak<Consumer>| consumer.upgrade().unwrap().wakes.load(Ordering::Relaxed);
    assert!(poll(&mut items, &first.1).is_pending());
    source.waker().wake();
    source.waker().wake();
    assert_eq!(wakes(&first.0), 1, "until it polls again");
    assert!(poll(&mut items, &first.1).is_pending());
    assert!(poll(&mut items, &second.1).is_pending());
    drop(first.1);
    assert!(first.0.upgrade().is_none(), "the waker was replaced and dropped");
    source.waker().wake();
    assert_eq!(wakes(&second.0), 1, "the last waker counts");
    assert!(poll(&mut items, &second.1).is_pending());
    drop(items);
    drop(second.1);
    assert!(second.0.upgrade().is_none());
    source.waker().wake();
    assert_eq!(breaker.snapshot().totals.ignored, 1);
}
