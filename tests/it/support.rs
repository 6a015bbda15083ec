//! A breaker on a clock that stands still, and short words for what the tests do with it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{
    CircuitBreaker, Config, ConfigBuilder, Outcome, Permit, Registry, Transition, TripReason, WindowCounts,
};

/// A breaker whose time only the test moves.
pub(crate) struct Bench {
    pub(crate) clock: Clock,
    pub(crate) breaker: CircuitBreaker,
}

pub(crate) const RECOVERY: Duration = Duration::from_secs(30);
/// A nanosecond before it is due.
pub(crate) const ALMOST_RECOVERY: Duration = Duration::from_nanos(29_999_999_999);
pub(crate) const NANO: Duration = Duration::from_nanos(1);

/// Opens at the second failure, recovers after 30 s, two trials at a time, two successes close it.
pub(crate) fn settings() -> ConfigBuilder {
    Config::builder()
        .failure_threshold(2)
        .recovery_timeout(RECOVERY)
        .half_open_max_calls(2)
        .success_threshold(2)
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: ConfigBuilder) -> Self {
        let clock = Clock::new();
        let breaker = Registry::with_clock(&clock).register("bench", settings.build().unwrap()).unwrap();
        Self { clock, breaker }
    }

    pub(crate) fn open() -> Self {
        let bench = Self::new();
        bench.trip();
        bench
    }

    /// Open, and the recovery time is over.
    pub(crate) fn due() -> Self {
        let bench = Self::open();
        bench.clock.advance(RECOVERY);
        bench
    }

    pub(crate) fn trip(&self) {
        while self.breaker.state() == breaker_runtime::State::Closed {
            self.end(Outcome::Failure);
        }
    }

    pub(crate) fn permit(&self) -> Permit<'_> {
        self.breaker.try_acquire().unwrap()
    }

    pub(crate) fn end(&self, outcome: Outcome) {
        self.permit().settle(outcome);
    }

    pub(crate) fn end_all(&self, outcome: Outcome, times: u32) {
        (0..times).for_each(|_| self.end(outcome));
    }

    /// A call that takes so long.
    pub(crate) fn call_taking(&self, duration: Duration, outcome: Outcome) {
        let permit = self.permit();
        self.clock.advance(duration);
        permit.settle(outcome);
    }

    /// Calls, failures and slow calls in the window.
    pub(crate) fn window(&self) -> (u64, u64, u64) {
        let WindowCounts { calls, failures, slow, .. } = self.breaker.snapshot().window.unwrap();
        (calls, failures, slow)
    }

    pub(crate) fn last_transition(&self) -> Arc<Transition> {
        self.breaker.snapshot().last_transition.unwrap()
    }

    pub(crate) fn trip_reason(&self) -> TripReason {
        self.last_transition().trip.unwrap()
    }

    pub(crate) fn rejects(&self) -> bool {
        self.breaker.try_acquire().is_err()
    }
}

/// Without a runtime; nobody is woken.
pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// What a panic ends is not the test.
pub(crate) fn catch_panic<T>(action: impl FnOnce() -> T) -> std::thread::Result<T> {
    catch_unwind(AssertUnwindSafe(action))
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
