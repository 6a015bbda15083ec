//! A breaker on a manual clock, and a service that checks how it is used.

use std::io;
use std::mem::replace;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{CircuitBreaker, Config, ConfigBuilder, Registry};
use tower::Service;

/// A breaker and the clock that drives it.
pub(crate) struct Fixture {
    pub(crate) clock: Clock,
    pub(crate) breaker: CircuitBreaker,
}

/// A service that answers each request with the future in it. It fails the test if it is called without having been
/// ready.
#[derive(Debug, Default)]
pub(crate) struct Strict {
    is_ready: bool,
    pub(crate) calls: Arc<AtomicU32>,
    is_broken: bool,
}

pub(crate) type Answer = Result<u16, io::Error>;
pub(crate) type Request = Pin<Box<dyn Future<Output = Answer> + Send>>;

impl Fixture {
    pub(crate) fn with(settings: ConfigBuilder) -> Self {
        let clock = Clock::new();
        let breaker = Registry::with_clock(&clock).register("service", settings.build().unwrap()).unwrap();
        Self { clock, breaker }
    }

    /// Returns the numbers of successful, failed and ignored calls.
    pub(crate) fn counts(&self) -> Counts {
        counts(&self.breaker)
    }
}

/// The numbers of calls by outcome.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) successes: u64,
    pub(crate) failures: u64,
    pub(crate) ignored: u64,
}

pub(crate) fn counts(breaker: &CircuitBreaker) -> Counts {
    let totals = breaker.snapshot().totals;
    Counts { successes: totals.successes, failures: totals.failures, ignored: totals.ignored }
}

pub(crate) const SUCCESS: Counts = Counts { successes: 1, failures: 0, ignored: 0 };
pub(crate) const FAILURE: Counts = Counts { successes: 0, failures: 1, ignored: 0 };
pub(crate) const IGNORED: Counts = Counts { successes: 0, failures: 0, ignored: 1 };

/// Returns settings that open at the second failure and recover after 30 s with one trial call at a time.
pub(crate) fn settings() -> ConfigBuilder {
    Config::builder()
        .failure_threshold(2)
        .recovery_timeout(seconds(30))
        .half_open_max_calls(1)
        .success_threshold(1)
}

impl Strict {
    /// Returns a service whose `poll_ready` fails.
    pub(crate) fn broken() -> Self {
        Self { is_broken: true, ..Self::default() }
    }
}

impl Clone for Strict {
    /// Returns a service that has not been ready.
    fn clone(&self) -> Self {
        Self { is_ready: false, calls: Arc::clone(&self.calls), is_broken: self.is_broken }
    }
}

impl Service<Request> for Strict {
    type Response = u16;
    type Error = io::Error;
    type Future = Request;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        if self.is_broken {
            return Poll::Ready(Err(io::Error::other("broken")));
        }
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Request {
        assert!(replace(&mut self.is_ready, false), "a service that was not ready is called");
        self.calls.fetch_add(1, Ordering::SeqCst);
        request
    }
}

/// Returns a request that is answered at once.
pub(crate) fn answers(answer: Answer) -> Request {
    Box::pin(async { answer })
}

/// Returns a request that is never answered.
pub(crate) fn hangs() -> Request {
    Box::pin(std::future::pending())
}

pub(crate) fn down() -> Answer {
    Err(io::Error::other("no route to host"))
}

/// Polls the service until it is ready, and calls it.
pub(crate) fn start<S: Service<R>, R>(service: &mut S, request: R) -> S::Future
where
    S::Error: std::fmt::Debug,
{
    let ready = service.poll_ready(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(ready, Poll::Ready(Ok(()))), "the service is ready");
    service.call(request)
}

/// Makes a call that is complete when it is polled once.
pub(crate) fn finish<S: Service<R>, R>(service: &mut S, request: R) -> Result<S::Response, S::Error>
where
    S::Error: std::fmt::Debug,
{
    match poll_once(pin!(start(service, request))) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("the call is pending"),
    }
}

/// Polls `future` once, with a waker that does nothing.
pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
