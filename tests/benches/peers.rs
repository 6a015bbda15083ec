//! The circuit breakers of other crates, each with settings as close as possible to those of this crate's rows: they
//! open after five failures in a row or at half of their window, and stay open for an hour.

use std::future::Future;
use std::task::Waker;
use std::time::Duration;

use failsafe::backoff::Constant;
use failsafe::failure_policy::{ConsecutiveFailures, SuccessRateOverTimeWindow};
use layered::{Execute, Service, Stack as _};
use seatbelt::breaker::Breaker;
use seatbelt::{RecoveryInfo, ResilienceContext};
use tick::runtime::InactiveClock;
use tower_resilience_circuitbreaker::{CircuitBreakerLayer, DefaultClassifier};

use super::work::{WorkFailed, WorkResult};

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) type Failsafe = failsafe::StateMachine<ConsecutiveFailures<Constant>, ()>;
pub(crate) type FailsafeInTime = failsafe::StateMachine<SuccessRateOverTimeWindow<Constant>, ()>;
pub(crate) type TowerLayer = CircuitBreakerLayer<DefaultClassifier>;

/// Returns a breaker of recloser, which always has a window.
pub(crate) fn recloser() -> recloser::Recloser {
    recloser::Recloser::custom().closed_len(100).open_wait(HOUR).build()
}

pub(crate) fn failsafe() -> Failsafe {
    let policy = failsafe::failure_policy::consecutive_failures(5, failsafe::backoff::constant(HOUR));
    failsafe::Config::new().failure_policy(policy).build()
}

pub(crate) fn failsafe_in_time() -> FailsafeInTime {
    let (minute, backoff) = (Duration::from_secs(60), failsafe::backoff::constant(HOUR));
    let policy = failsafe::failure_policy::success_rate_over_time_window(0.5, 10, minute, backoff);
    failsafe::Config::new().failure_policy(policy).build()
}

/// Returns a breaker of the crate `breaker`, which always has a window.
pub(crate) fn breaker(window: u32) -> peer_breaker::CircuitBreaker {
    let config = peer_breaker::CircuitBreakerConfig::builder().consecutive_failures(5);
    peer_breaker::CircuitBreaker::new(config.sliding_window_size(window).build())
}

/// Returns a layer of tower-resilience that opens after failures in a row.
pub(crate) fn tower_in_a_row() -> TowerLayer {
    let builder = CircuitBreakerLayer::builder().consecutive_failures(5).wait_duration_in_open(HOUR);
    // All services of a layer with a handle share one circuit.
    builder.build_with_handle().expect("the settings are valid").0
}

/// Returns a layer of tower-resilience that opens at half of the last 100 calls.
pub(crate) fn tower_window() -> TowerLayer {
    let builder = CircuitBreakerLayer::builder().sliding_window_size(100).wait_duration_in_open(HOUR);
    builder.build_with_handle().expect("the settings are valid").0
}

/// Returns a service that runs `run`, protected by seatbelt, which has time-based windows only.
pub(crate) fn seatbelt<F>(
    run: impl Fn(u64) -> F + Send + Sync + 'static,
) -> impl Service<u64, Out = WorkResult>
where
    F: Future<Output = WorkResult> + Send + 'static,
{
    let (clock, driver) = InactiveClock::new_shared().activate(Waker::noop().clone());
    // Only timers need the driver, but the clock ends with it.
    std::mem::forget(driver);
    let breaker = Breaker::layer("peer", &ResilienceContext::new(&clock))
        .recovery_with(|result: &WorkResult, _| match result {
            Ok(_) => RecoveryInfo::never(),
            Err(_) => RecoveryInfo::retry(),
        })
        .rejected_input_error(|_, _| WorkFailed)
        .failure_threshold(0.5)
        .min_throughput(10)
        .sampling_duration(Duration::from_secs(60))
        .break_duration(HOUR);
    (breaker, Execute::new(run)).into_service()
}
