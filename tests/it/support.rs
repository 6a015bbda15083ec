//! A breaker on a manual clock, and helpers for the steps that many tests share.

use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use breaker_runtime::testing::Clock;
use breaker_runtime::{
    BreakerError, CircuitBreaker, Config, ConfigBuilder, Outcome, Permit, Registry, Transition, TripReason,
    WindowCounts,
};
use reqwest::{Client, Response};

/// A breaker and the clock that drives it. Only the test moves the clock.
pub(crate) struct Fixture {
    pub(crate) clock: Clock,
    pub(crate) breaker: CircuitBreaker,
}

/// The calls in the window of a circuit.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    pub(crate) slow: u64,
}

/// The error of a protected function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Down,
    Rejected,
}

impl From<BreakerError> for Fault {
    fn from(_: BreakerError) -> Self {
        Self::Rejected
    }
}

/// The recovery timeout of [`settings`].
pub(crate) const RECOVERY: Duration = Duration::from_secs(30);
/// One nanosecond less than [`RECOVERY`].
pub(crate) const ALMOST_RECOVERY: Duration = Duration::from_nanos(29_999_999_999);
pub(crate) const NANO: Duration = Duration::from_nanos(1);

/// Returns settings that open at the second failure, recover after 30 s, allow two trials at a time and close
/// after two successful trials.
pub(crate) fn settings() -> ConfigBuilder {
    Config::builder()
        .failure_threshold(2)
        .recovery_timeout(RECOVERY)
        .half_open_max_calls(2)
        .success_threshold(2)
}

/// Sends a GET request to a server on loopback, without the proxy of the environment.
pub(crate) async fn http_get(url: &str) -> Response {
    Client::builder().no_proxy().build().unwrap().get(url).send().await.unwrap()
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: ConfigBuilder) -> Self {
        let clock = Clock::new();
        let breaker = Registry::with_clock(&clock).register("bench", settings.build().unwrap()).unwrap();
        Self { clock, breaker }
    }

    /// Returns a fixture with an open circuit.
    pub(crate) fn open() -> Self {
        let fixture = Self::new();
        fixture.trip();
        fixture
    }

    /// Returns a fixture with an open circuit whose recovery timeout has elapsed.
    pub(crate) fn ready_for_trial() -> Self {
        let fixture = Self::open();
        fixture.clock.advance(RECOVERY);
        fixture
    }

    /// Records failures until the circuit is no longer closed.
    pub(crate) fn trip(&self) {
        while self.breaker.state() == breaker_runtime::State::Closed {
            self.call(Outcome::Failure);
        }
    }

    pub(crate) fn permit(&self) -> Permit<'_> {
        self.breaker.try_acquire().unwrap()
    }

    /// Runs one call that ends with `outcome`.
    pub(crate) fn call(&self, outcome: Outcome) {
        self.permit().settle(outcome);
    }

    /// Runs as many calls as `times`, which all end with `outcome`.
    pub(crate) fn call_times(&self, outcome: Outcome, times: u32) {
        (0..times).for_each(|_| self.call(outcome));
    }

    /// Runs one call that takes `duration`.
    pub(crate) fn call_taking(&self, duration: Duration, outcome: Outcome) {
        let permit = self.permit();
        self.clock.advance(duration);
        permit.settle(outcome);
    }

    pub(crate) fn window(&self) -> Recorded {
        let WindowCounts { calls, failures, slow, .. } = self.breaker.snapshot().window.unwrap();
        Recorded { calls, failures, slow }
    }

    pub(crate) fn last_transition(&self) -> Arc<Transition> {
        self.breaker.snapshot().last_transition.unwrap()
    }

    pub(crate) fn trip_reason(&self) -> TripReason {
        self.last_transition().trip.unwrap()
    }

    pub(crate) fn set_config(&self, settings: ConfigBuilder) {
        self.breaker.set_config(settings.build().unwrap());
    }

    /// Returns the calls that hold a slot of the bulkhead.
    pub(crate) fn calls_in_flight(&self) -> u32 {
        self.breaker.snapshot().calls_in_flight.unwrap()
    }

    pub(crate) fn rejects(&self) -> bool {
        self.breaker.try_acquire().is_err()
    }
}

/// Returns `true` if the current global registry contains a breaker with this name. `Registry::get` would register
/// the breaker of an annotated function.
pub(crate) fn is_registered(name: &str) -> bool {
    let registry = Registry::global();
    let is_keyed = registry.iter_keyed().any(|breaker| breaker.name() == name);
    is_keyed || registry.iter().any(|breaker| breaker.name() == name)
}

/// Polls `future` once, without a runtime and with a waker that does nothing.
pub(crate) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Runs `action`, and calls `on_panic` for each panic of this thread, caught or not.
pub(crate) fn watch_panics<T>(
    on_panic: impl Fn(&PanicHookInfo<'_>) + Send + Sync + 'static,
    action: impl FnOnce() -> T,
) -> T {
    // The hook belongs to the process, so one test at a time replaces it.
    static HOOK: Mutex<()> = Mutex::new(());
    let _locked = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let before = std::panic::take_hook();
    let thread = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().id() == thread {
            on_panic(panic);
        }
    }));
    let result = catch_panic(action);
    std::panic::set_hook(before);
    result.unwrap_or_else(|payload| resume_unwind(payload))
}

/// Runs `action` and returns its panic as an error.
pub(crate) fn catch_panic<T>(action: impl FnOnce() -> T) -> std::thread::Result<T> {
    catch_unwind(AssertUnwindSafe(action))
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
