//! Streams whose sources wake them from other threads, at any point of a poll, while other calls check for hung calls.
//! No wake-up is lost, every call is counted once, and no stream that is served counts as hung.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use breaker_runtime::integrations::stream::guard_stream;
use breaker_runtime::{Config, Outcome, State};
use futures_core::Stream;

use super::{breaker, run_threads};

/// The numbers that another thread has added.
#[derive(Default)]
struct Source {
    added: AtomicU64,
    waker: Mutex<Option<Waker>>,
}

/// A stream of these numbers.
struct Received {
    source: Arc<Source>,
    count: u64,
    end: u64,
}

impl Stream for Received {
    type Item = Result<u64, ()>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.count == self.end {
            return Poll::Ready(None);
        }
        let replaced = self.source.waker.lock().unwrap().replace(context.waker().clone());
        drop(replaced);
        if self.source.added.load(Ordering::SeqCst) == self.count {
            return Poll::Pending;
        }
        self.count += 1;
        Poll::Ready(Some(Ok(self.count)))
    }
}

/// Unparks a thread.
struct Unpark(Thread, AtomicBool);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.1.store(true, Ordering::SeqCst);
        self.0.unpark();
    }
}

/// Polls until an item, and waits for a wake-up after each pending poll.
fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    let unpark = Arc::new(Unpark(std::thread::current(), AtomicBool::new(false)));
    let waker = Waker::from(Arc::clone(&unpark));
    loop {
        if let Poll::Ready(item) = Pin::new(&mut *stream).poll_next(&mut Context::from_waker(&waker)) {
            return item;
        }
        while !unpark.1.swap(false, Ordering::SeqCst) {
            std::thread::park();
        }
    }
}

#[test]
fn streams_that_other_threads_wake_end_and_are_counted_once() {
    const STREAMS: u64 = 60;

    let (clock, breaker) = breaker(Config::builder().hang(Duration::from_secs(3600)).durations(true));
    let ended = run_threads(
        |mut random, _| {
            for _ in 0..STREAMS {
                let source = Arc::<Source>::default();
                let end = random.u64(1..30);
                let received = Received { source: Arc::clone(&source), count: 0, end };
                let mut stream = guard_stream(breaker.try_acquire_owned().unwrap(), received);
                std::thread::scope(|scope| {
                    scope.spawn(|| {
                        for _ in 0..end {
                            source.added.fetch_add(1, Ordering::SeqCst);
                            let waker = source.waker.lock().unwrap().clone();
                            waker.iter().for_each(Waker::wake_by_ref);
                        }
                    });
                    for number in 1..=end {
                        assert_eq!(next(&mut stream), Some(Ok(number)));
                    }
                    assert_eq!(next(&mut stream), None);
                });
            }
        },
        |random| {
            breaker.try_acquire().unwrap().settle(Outcome::Ignored);
            clock.advance(Duration::from_nanos(random.u64(1..1000)));
        },
    );
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.totals.successes, STREAMS * ended.len() as u64);
    clock.advance(Duration::from_secs(7200));
    assert_eq!((breaker.state(), breaker.would_admit()), (State::Closed, true), "no ended call is watched");
}
